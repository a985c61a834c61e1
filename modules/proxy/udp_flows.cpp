#include "udp_flows.hpp"

#include <algorithm>
#include <cerrno>

#include "sipward/sip/datagram.hpp"
#include "sipward/udp_errors.hpp"

namespace sipward::proxy {

UdpFlows::UdpFlows(Worker& worker, const ProxyMetrics& metrics, std::size_t max_flows, UpstreamEvents* events)
    : worker_(worker),
      metrics_(metrics),
      max_flows_(max_flows),
      events_(events),
      flows_(16, KeyHash{worker.sources().key()}),
      packet_(worker, Direction::outbound) {}

UdpFlows::~UdpFlows() {
  for (const auto& flow : by_use_) left(flow);
  by_use_.clear();
}

// A socket to an upstream, which is told of when it can't be reached.
std::unique_ptr<UdpPort> UdpFlows::open_port(const Endpoint& upstream, Worker::Receive receive) {
  auto port = worker_.open_udp({}, &upstream, std::move(receive));
  if (!events_) return port;
  if (port)
    watch_errors(*port, [this, upstream] { events_->failed(upstream, Transport::udp, Failure::refused); });
  else if (errno == ENETUNREACH || errno == EHOSTUNREACH)
    events_->failed(upstream, Transport::udp, Failure::unreachable);
  return port;
}

void UdpFlows::heard(const Endpoint& upstream) {
  if (events_) events_->heard(packet_, upstream, Transport::udp);
}

void UdpFlows::left(const Flow& flow) {
  if (events_) events_->closed(flow.upstream, Transport::udp);
}

Verdict UdpFlows::drop(ProxyMetrics::Drop reason) {
  metrics_.dropped.add(worker_.index(), reason);
  return Verdict::drop;
}

UdpFlows::Flow* UdpFlows::find(const Peer& peer, const Endpoint& upstream) const {
  const auto it = flows_.find({peer.remote, peer.listener});
  if (it == flows_.end()) return nullptr;
  for (const auto& flow : it->second)
    if (flow->upstream == upstream) return flow.get();
  return nullptr;
}

void UdpFlows::used(Flow& flow) {
  flow.last_used = worker_.now();
  by_use_.splice(by_use_.end(), by_use_, by_use_.iterator_to(flow));
}

void UdpFlows::touch(const Peer& peer) {
  const auto it = flows_.find({peer.remote, peer.listener});
  if (it == flows_.end()) return;
  for (auto& flow : it->second) used(*flow);
}

Verdict UdpFlows::forward(Packet& packet, const Endpoint& upstream) {
  auto* flow = find(packet.peer(), upstream);
  if (!flow && packet.standing().evidence != Evidence::unproven) flow = open(packet, upstream);
  if (!flow) return forward_pooled(packet, upstream);
  auto& message = packet.sip();
  // Unjudged, its answer could hide a refused password.
  if (message.kind() == sip::Kind::request && message.method() != sip::Method::ack &&
      !packet.begin_transaction())
    return drop(ProxyMetrics::transaction_conflict);
  note_call(*flow, message);
  flow->peer = packet.peer();
  used(*flow);
  flow->port->send(message.octets());
  metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_upstream);
  return Verdict::consumed;
}

UdpFlows::Flow* UdpFlows::open(Packet& packet, const Endpoint& upstream) {
  if (size() >= max_flows_ && !make_place(packet.now())) {
    drop(ProxyMetrics::flows_full);
    return nullptr;
  }
  auto flow = std::make_unique<Flow>();
  auto& made = *flow;
  made.peer = packet.peer();
  made.upstream = upstream;
  made.port = open_port(
      upstream, [this, &made](const Endpoint&, std::string_view octets) { from_upstream(made, octets); });
  if (!made.port) {
    drop(ProxyMetrics::no_socket);
    return nullptr;
  }
  if (is_stream(made.peer.transport)) worker_.watch(made.peer, {}, [this, peer = made.peer] { close(peer); });
  if (events_) events_->opened(upstream, Transport::udp);
  by_use_.push_back(made);
  flows_[{made.peer.remote, made.peer.listener}].push_back(std::move(flow));
  return &made;
}

bool UdpFlows::worth_keeping(const Flow& flow, Time now) const {
  if (is_stream(flow.peer.transport)) return true;  // it ends with its connection
  return worker_.sources().standing(flow.peer.remote, now).evidence == Evidence::trusted ||
         (flow.call && now - flow.last_used < kCallIdle);
}

// Looks at the few that were unused for longest: the work per new flow is bounded.
bool UdpFlows::make_place(Time now) {
  auto it = by_use_.begin();
  for (int looked = 0; looked < 8 && it != by_use_.end(); ++looked, ++it)
    if (!worth_keeping(*it, now)) return erase(*it), true;
  return false;
}

void UdpFlows::erase(Flow& flow) {
  left(flow);
  by_use_.erase(by_use_.iterator_to(flow));
  const auto it = flows_.find({flow.peer.remote, flow.peer.listener});
  std::erase_if(it->second, [&](const auto& f) { return f.get() == &flow; });
  if (it->second.empty()) flows_.erase(it);
}

void UdpFlows::close(const Peer& peer) {
  const auto it = flows_.find({peer.remote, peer.listener});
  if (it == flows_.end()) return;
  for (auto& flow : it->second) {
    left(*flow);
    by_use_.erase(by_use_.iterator_to(*flow));
  }
  flows_.erase(it);
}

void UdpFlows::sweep(Time now) {
  for (auto it = by_use_.begin(); it != by_use_.end() && now - it->last_used >= kIdle;) {
    auto& flow = *it++;
    if (!worth_keeping(flow, now)) erase(flow);
  }
  std::erase_if(pools_, [&](const auto& p) { return now - p->last_used >= kIdle; });
}

UdpFlows::Pool* UdpFlows::pool(const Endpoint& upstream, std::uint32_t listener) {
  for (auto& p : pools_)
    if (p->upstream == upstream && p->listener == listener) return p.get();
  if (pools_.size() >= kMaxPools) return nullptr;
  auto made = std::make_unique<Pool>();
  made->upstream = upstream;
  made->listener = listener;
  for (std::size_t i = 0; i < kPoolSize; ++i) {
    made->ports[i] =
        open_port(upstream, [this, upstream, listener, i](const Endpoint&, std::string_view octets) {
          from_upstream(upstream, listener, i, octets);
        });
    if (!made->ports[i]) return nullptr;
  }
  pools_.push_back(std::move(made));
  return pools_.back().get();
}

Verdict UdpFlows::forward_pooled(Packet& packet, const Endpoint& upstream) {
  auto& message = packet.sip();
  if (message.kind() != sip::Kind::request) return drop(ProxyMetrics::stray_response);
  auto* shared = pool(upstream, packet.peer().listener);
  if (!shared) return drop(ProxyMetrics::no_socket);
  // Always the same member for a source: the upstream sees its requests come from one port.
  const auto member = keyed_hash(worker_.sources().key(), packet.peer().remote) % kPoolSize;
  if (message.method() != sip::Method::ack) {
    auto* transaction = packet.begin_transaction();
    if (!transaction) return drop(ProxyMetrics::transaction_conflict);
    transaction->tag = static_cast<std::uint16_t>(member);
  }
  shared->last_used = packet.now();
  shared->ports[member]->send(message.octets());
  metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_upstream);
  return Verdict::consumed;
}

void UdpFlows::from_upstream(Flow& flow, std::string_view octets) {
  packet_.assign(flow.peer, octets);
  if (sip::classify(octets) == sip::Datagram::keep_alive) {
    packet_.set_keep_alive(true);
  } else {
    note_call(flow, packet_.sip());
  }
  heard(flow.upstream);
  used(flow);
  if (worker_.deliver(packet_)) metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_client);
}

void UdpFlows::from_upstream(const Endpoint& upstream, std::uint32_t listener, std::size_t member,
                             std::string_view octets) {
  if (sip::classify(octets) != sip::Datagram::sip) return;
  Peer unknown;
  unknown.listener = listener;
  packet_.assign(unknown, octets);
  auto& message = packet_.sip();
  if (message.kind() == sip::Kind::response) {
    const auto* transaction = packet_.transaction();
    if (!transaction || transaction->tag != member || is_stream(transaction->transport)) {
      drop(ProxyMetrics::stray_response);
      return;
    }
    packet_.set_peer(transaction->peer());
  } else {
    Peer peer;
    const auto& sources = worker_.sources();
    const auto now = worker_.now();
    const auto tag = message.to().tag;
    const bool found = (!tag.empty() && sources.find_dialog(message.call_id(), tag, now, peer)) ||
                       sources.find_registration(message.request_uri(), now, peer);
    if (!found || is_stream(peer.transport)) {
      drop(ProxyMetrics::stray_request);
      return;
    }
    packet_.set_peer(peer);
  }
  heard(upstream);
  if (worker_.deliver(packet_)) metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_client);
}

// A call keeps its flow: the BYE may come hours after the last message.
void UdpFlows::note_call(Flow& flow, sip::Message& message) {
  if (message.kind() == sip::Kind::response) {
    const auto status = message.status();
    if (status >= 200 && status < 300 && message.cseq().method == sip::Method::invite) flow.call = true;
  } else if (message.method() == sip::Method::bye) {
    flow.call = false;
  }
}

}  // namespace sipward::proxy
