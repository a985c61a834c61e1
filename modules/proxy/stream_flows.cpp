#include "stream_flows.hpp"

#include <algorithm>

namespace sipward::proxy {

StreamFlows::StreamFlows(Worker& worker, const ProxyMetrics& metrics)
    : worker_(worker), metrics_(metrics), packet_(worker, Direction::outbound) {}

StreamFlows::~StreamFlows() {
  for (auto& [id, client] : flows_)
    for (auto& flow : client.flows) flow.stream->disown();
}

bool StreamFlows::has(const Peer& peer, const Endpoint& upstream) const {
  const auto it = flows_.find(peer.connection);
  return it != flows_.end() && std::any_of(it->second.flows.begin(), it->second.flows.end(),
                                           [&](const Flow& flow) { return flow.upstream == upstream; });
}

StreamFlows::Client& StreamFlows::client(const Peer& peer) {
  const auto [it, fresh] = flows_.try_emplace(peer.connection);
  it->second.peer = peer;
  if (!fresh) return it->second;
  const auto each = [this, id = peer.connection](void (*act)(SipStream&)) {
    const auto found = flows_.find(id);
    if (found == flows_.end()) return;
    for (auto& flow : found->second.flows) act(*flow.stream);
  };
  worker_.watch(
      peer, [each] { each([](SipStream& stream) { stream.resume(); }); },
      [each] { each([](SipStream& stream) { stream.close(); }); });
  return it->second;
}

SipStream& StreamFlows::open(Client& client, const Endpoint& upstream) {
  SipStream::Options options;
  options.first = options.idle = Duration::zero();  // it lives as long as the client's
  auto stream =
      std::make_shared<SipStream>(worker_, boost::asio::ip::tcp::socket(worker_.io()), *this, options);
  stream->id = client.peer.connection;
  stream->connect(upstream, kConnectTimeout);
  client.flows.push_back({upstream, std::move(stream)});
  return *client.flows.back().stream;
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
  auto& from = client(peer);
  const auto it = std::find_if(from.flows.begin(), from.flows.end(),
                               [&](const Flow& flow) { return flow.upstream == upstream; });
  auto& stream = it == from.flows.end() ? open(from, upstream) : *it->stream;
  stream.send(message.octets());
  if (stream.queued() > kHighWater) worker_.pause(peer);
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
  std::erase_if(it->second.flows, [&](const Flow& flow) { return flow.stream.get() == &stream; });
  if (it->second.flows.empty()) flows_.erase(it);
  worker_.close(peer);
}

}  // namespace sipward::proxy
