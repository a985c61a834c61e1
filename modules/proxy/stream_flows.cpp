#include "stream_flows.hpp"

#include <algorithm>
#include <utility>

#include "pool.hpp"

namespace sipward::proxy {

StreamFlows::StreamFlows(Worker& worker, const ProxyMetrics& metrics, UpstreamEvents* events)
    : worker_(worker), metrics_(metrics), events_(events), packet_(worker, Direction::outbound) {}

StreamFlows::~StreamFlows() {
  for (auto& [id, client] : flows_)
    for (auto& flow : client.flows) {
      flow.stream->disown();
      if (events_) events_->closed(flow.upstream, Transport::tcp);
    }
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

StreamFlows::Flow& StreamFlows::open(Client& client, const Endpoint& upstream) {
  SipStream::Options options;
  options.first = options.idle = Duration::zero();  // it lives as long as the client's
  auto stream =
      std::make_shared<SipStream>(worker_, boost::asio::ip::tcp::socket(worker_.io()), *this, options);
  stream->id = client.peer.connection;
  stream->connect(upstream, kConnectTimeout);
  if (events_) events_->opened(upstream, Transport::tcp);
  return client.flows.emplace_back(Flow{upstream, std::move(stream)});
}

StreamFlows::Flow* StreamFlows::find(SipStream& stream) {
  const auto it = flows_.find(stream.id);
  if (it == flows_.end()) return nullptr;
  for (auto& flow : it->second.flows)
    if (flow.stream.get() == &stream) return &flow;
  return nullptr;
}

Verdict StreamFlows::forward(Packet& packet, const Endpoint& upstream,
                             const std::shared_ptr<const Pool>& pool) {
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
  auto& flow = it == from.flows.end() ? open(from, upstream) : *it;
  auto& stream = *flow.stream;
  if (!flow.reached && unsent_ && pool && pool->options().try_duration > Duration::zero() &&
      message.kind() == sip::Kind::request && message.method() != sip::Method::ack &&
      stream.queued() <= kHighWater) {
    flow.pool = pool;
    flow.unsent.emplace_back(message.octets());
  }
  stream.send(message.octets());
  if (stream.queued() > kHighWater) worker_.pause(peer);
  metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_upstream);
  return Verdict::consumed;
}

void StreamFlows::on_message(SipStream& stream, std::string_view octets) {
  const auto it = flows_.find(stream.id);
  if (it == flows_.end()) return;
  const auto peer = it->second.peer;
  auto* flow = find(stream);
  if (!flow) return;
  flow->reached = true;
  packet_.assign(peer, octets);
  if (events_) events_->heard(packet_, flow->upstream, Transport::tcp);
  if (worker_.deliver(packet_)) metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_client);
  if (worker_.queued(peer) > kHighWater) stream.pause();
}

void StreamFlows::on_drained(SipStream& stream) {
  const auto it = flows_.find(stream.id);
  if (it == flows_.end()) return;
  if (auto* flow = find(stream)) {
    flow->reached = true;
    flow->unsent = {};
  }
  worker_.resume(it->second.peer);
}

void StreamFlows::on_ended(SipStream& stream, StreamEnd why) {
  auto* const found = find(stream);
  if (!found) return;
  const auto ended = std::move(*found);
  const auto peer = flows_.at(stream.id).peer;
  std::erase_if(flows_.at(stream.id).flows, [&](const Flow& flow) { return !flow.stream; });
  bool at_home = false;
  if (events_) {
    events_->closed(ended.upstream, Transport::tcp);
    if (!ended.reached && (why == StreamEnd::error || why == StreamEnd::connect_timeout))
      events_->failed(ended.upstream, Transport::tcp,
                      why == StreamEnd::error ? Failure::refused : Failure::unreachable);
    at_home = events_->is_home(peer, ended.upstream, Transport::tcp);
  }
  const auto pool = ended.pool.lock();
  const bool again = pool && unsent_ && !ended.unsent.empty();
  for (std::size_t i = 0; again && i < ended.unsent.size(); ++i)
    unsent_(pool, peer, ended.unsent[i], ended.upstream);
  const auto it = flows_.find(stream.id);
  const bool last = it == flows_.end() || it->second.flows.empty();
  if (last && it != flows_.end() && !again) flows_.erase(it);
  if ((last && !again) || at_home) worker_.close(peer);
}

}  // namespace sipward::proxy
