#include "stream_flows.hpp"

namespace sipward::proxy {

StreamFlows::StreamFlows(Worker& worker, const ProxyMetrics& metrics)
    : worker_(worker), metrics_(metrics), packet_(worker, Direction::outbound) {}

StreamFlows::~StreamFlows() {
  for (auto& [id, flow] : flows_) flow.upstream->disown();
}

StreamFlows::Flow& StreamFlows::open(const Peer& peer, const Endpoint& upstream) {
  SipStream::Options options;
  options.first = options.idle = Duration::zero();  // it lives as long as the client's
  auto stream =
      std::make_shared<SipStream>(worker_, boost::asio::ip::tcp::socket(worker_.io()), *this, options);
  stream->id = peer.connection;
  auto& flow = flows_[peer.connection] = Flow{peer, stream};
  worker_.watch(
      peer,
      [this, id = peer.connection] {
        if (const auto it = flows_.find(id); it != flows_.end()) it->second.upstream->resume();
      },
      [this, id = peer.connection] {
        if (const auto it = flows_.find(id); it != flows_.end()) it->second.upstream->close();
      });
  stream->connect(upstream, kConnectTimeout);
  return flow;
}

Verdict StreamFlows::forward(Packet& packet, const Endpoint& upstream) {
  const auto& peer = packet.peer();
  auto& message = packet.sip();
  if (message.kind() == sip::Kind::request && message.method() != sip::Method::ack &&
      !packet.begin_transaction()) {
    // Unjudged, its answer could hide a refused password.
    metrics_.dropped.add(worker_.index(), ProxyMetrics::transaction_conflict);
    return Verdict::drop;
  }
  const auto it = flows_.find(peer.connection);
  auto& flow = it == flows_.end() ? open(peer, upstream) : it->second;
  flow.peer = peer;
  flow.upstream->send(message.octets());
  if (flow.upstream->queued() > kHighWater) worker_.pause(peer);
  metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_upstream);
  return Verdict::consumed;
}

void StreamFlows::on_message(SipStream& stream, std::string_view octets) {
  const auto it = flows_.find(stream.id);
  if (it == flows_.end()) return;
  const auto peer = it->second.peer;
  packet_.assign(peer, octets);
  if (worker_.deliver(packet_)) metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_client);
  if (worker_.queued(peer) > kHighWater) stream.pause();
}

void StreamFlows::on_drained(SipStream& stream) {
  if (const auto it = flows_.find(stream.id); it != flows_.end()) worker_.resume(it->second.peer);
}

void StreamFlows::on_ended(SipStream& stream, StreamEnd) {
  const auto it = flows_.find(stream.id);
  if (it == flows_.end()) return;
  const auto peer = it->second.peer;
  flows_.erase(it);
  worker_.close(peer);
}

}  // namespace sipward::proxy
