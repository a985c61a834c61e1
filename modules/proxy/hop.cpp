#include "hop.hpp"

#include <algorithm>

#include "hop_rules.hpp"
#include "hops.hpp"
#include "sipward/sip/datagram.hpp"
#include "sipward/sip/reply.hpp"

namespace sipward::proxy {
namespace {

// Their names may get other addresses at any time; sooner when somebody speaks who may be a new one.
constexpr auto kAskUpstreamsAgain = std::chrono::seconds(30);
constexpr auto kAskUpstreamsSoon = std::chrono::seconds(1);
constexpr Port kSipPort = 5060;

std::string_view via_transport(Transport transport) {
  switch (transport) {
    case Transport::udp:
      return "UDP";
    case Transport::tcp:
      return "TCP";
    case Transport::tls:
      return "TLS";
    case Transport::ws:
      return "WS";
    case Transport::wss:
      break;
  }
  return "WSS";
}

// Requests that make a dialog, or change where it leads (RFC 3261 16.6 step 4).
bool keeps_route(sip::Method method) {
  return method == sip::Method::invite || method == sip::Method::subscribe || method == sip::Method::refer;
}

bool holds(const sip::Message& message, sip::HeaderId id, std::string_view tag) {
  sip::ValueReader values(message, id);
  for (std::string_view value; values.next(value);)
    if (sip::iequals(value, tag)) return true;
  return false;
}

void append_via(std::string& out, Transport transport, const Endpoint& sent_by, const Branch& branch) {
  out.append("Via: SIP/2.0/").append(via_transport(transport)).append(" ");
  append(out, sent_by);
  out.append(";branch=").append(branch.text()).append(";rport\r\n");
}

bool sent_by_is(const sip::Via& via, const Endpoint& endpoint) {
  return (via.port == 0 ? kSipPort : via.port) == endpoint.port &&
         Address::parse(via.host) == endpoint.address;
}

}  // namespace

Hop::Hop(Worker& worker, Hops& all)
    : worker_(worker),
      all_(all),
      metrics_(all.metrics()),
      marks_(all.marks()),
      ports_(worker, all.fixed_port(),
             [this](const Endpoint& from, std::string_view octets) { from_upstream(from, octets); }),
      handed_(worker.count()),
      packet_(worker, Direction::outbound),
      exchanges_(*this),
      timer_(worker.io()),
      streams_(std::make_shared<std::unordered_set<ConnectionId>>()) {}

Verdict Hop::drop(ProxyMetrics::Drop reason) {
  metrics_.dropped.add(worker_.index(), reason);
  return Verdict::drop;
}

void Hop::to_upstream(const Endpoint& upstream, std::string_view octets) {
  if (auto* port = ports_.towards(upstream)) port->socket->send(octets, &upstream);
}

// What stands in out_.
bool Hop::deliver(const Peer& peer) {
  packet_.assign(peer, out_);
  if (!worker_.deliver(packet_)) return false;
  metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_client);
  return true;
}

void Hop::send_request(Exchange& e, std::string_view octets) {
  e.from_client ? to_upstream(e.upstream, octets) : worker_.send(e.client, octets);
}

void Hop::send_answer(Exchange& e, std::string_view octets) {
  e.from_client ? worker_.send(e.client, octets) : to_upstream(e.upstream, octets);
}

void Hop::give_up(Exchange& e) {
  sip::Via next;
  message_.parse(e.request, sip::Framing::datagram);
  scratch_ = "swt";
  scratch_.append(message_.via().branch.substr(Branch::kSize - 13));
  if (!sip::make_reply(message_, 408, sip::reason_phrase(408), scratch_, e.upstream, {}, lines_)) return;
  message_.parse(lines_, sip::Framing::datagram);
  if (!pop_via(message_, next)) return;
  edit_.write(out_);
  if (e.from_client)
    deliver(e.client);
  else
    to_upstream(e.upstream, out_);
  if (!e.repeats) exchanges_.given(e, out_, 408, worker_.now());
}

// One timer for all of them, and none while there are none.
void Hop::tick_later() {
  if (ticking_) return;
  ticking_ = true;
  timer_.expires_after(TimerWheel<Exchange>::kTick);
  timer_.async_wait([this](const boost::system::error_code& stopped) {
    if (stopped) return;
    ticking_ = false;
    exchanges_.turn(worker_.now());
    if (!exchanges_.empty()) tick_later();
  });
}

std::uint64_t Hop::exchange_key(const Branch& branch, sip::Method method) const {
  const auto key = worker_.sources().hash(branch.text());
  return method == sip::Method::cancel ? Exchanges::cancel_key(key) : key;
}

void Hop::know_stream(const Peer& peer) {
  if (!streams_->insert(peer.connection).second) return;
  worker_.watch(peer, {}, [weak = std::weak_ptr(streams_), id = peer.connection] {
    if (const auto streams = weak.lock()) streams->erase(id);
  });
}

bool Hop::reaches(const Peer& peer) const {
  return !is_stream(peer.transport) || streams_->contains(peer.connection);
}

void Hop::refresh_upstreams(Duration age) {
  const auto now = worker_.now();
  if (now - asked_upstreams_ < age) return;
  asked_upstreams_ = now;
  upstreams_ = all_.upstreams();
}

bool Hop::is_upstream(const Endpoint& endpoint) {
  refresh_upstreams(upstreams_.empty() ? kAskUpstreamsSoon : kAskUpstreamsAgain);
  return std::binary_search(upstreams_.begin(), upstreams_.end(), endpoint);
}

bool Hop::is_upstream(const Address& address) {
  const auto known = [&] {
    const auto it = std::lower_bound(upstreams_.begin(), upstreams_.end(), Endpoint{address, 0});
    return it != upstreams_.end() && it->address == address;
  };
  if (known()) return true;
  refresh_upstreams(kAskUpstreamsSoon);
  return known();
}

void Hop::hand_over(std::size_t worker, const Endpoint& from, std::string_view octets, std::size_t tried) {
  handed_[worker].push_back({from, std::string(octets), tried});
  worker_.at_batch_end(*this);
}

void Hop::batch_end() {
  for (std::size_t i = 0; i < handed_.size(); ++i)
    if (!handed_[i].empty()) all_.hand_over(i, std::exchange(handed_[i], {}));
}

Hop::OwnRoute Hop::read_route(sip::Message& message, const Endpoint* outside) {
  OwnRoute own;
  sip::ValueReader routes(message, sip::HeaderId::route);
  for (std::string_view element; routes.next(element); ++own.values) {
    const auto uri = sip::parse_uri(sip::parse_name_addr(element).uri);
    Flow flow;
    // What a registration's Path says is the registrar's to use: a client may read it in the answer.
    if (uri.has_user && (marks_.read_flow(uri.user, message.call_id(), flow) ||
                         (!outside && marks_.read_flow(uri.user, {}, flow)))) {
      own.sealed = true;
      own.flow = flow;
      continue;
    }
    const auto address = Address::parse(uri.host);
    if (!address) break;
    const Endpoint there{*address, uri.port == 0 ? kSipPort : uri.port};
    if (!(outside && there == *outside) && !ports_.is_ours(there)) break;
  }
  return own;
}

Hop::OwnRoute Hop::read_route(Packet& packet) {
  return read_route(packet.sip(), &packet.peer().local);
}

// Our own values at the top have done their work (RFC 3261 16.4). Others may send a request anywhere, so they
// stay only where a dialog brought them.
void Hop::drop_routes(const OwnRoute& own, bool keep_others) {
  std::size_t i = 0;
  edit_.remove_values(sip::HeaderId::route,
                      [&](std::string_view) { return i++ < own.values || !keep_others; });
}

// Both our sides, as each is reached: the topmost is the one that the receiver sends to (RFC 5658).
void Hop::record_route(sip::Message& message, const Flow& flow, const HopPorts::Port& inside,
                       bool to_upstream) {
  scratch_.clear();
  marks_.write_flow(flow, message.call_id(), scratch_);
  for (const bool inner : {to_upstream, !to_upstream}) {
    lines_.append("Record-Route: <sip:").append(scratch_).append("@");
    append(lines_, inner ? inside.local : flow.client.local);
    if (!inner && is_stream(flow.client.transport))
      lines_.append(";transport=").append(to_string(flow.client.transport));
    lines_.append(";lr>\r\n");
  }
}

Verdict Hop::request(Packet& packet, const OwnRoute& route, const Endpoint& upstream) {
  auto& message = packet.sip();
  const auto& via = message.via();
  const auto& peer = packet.peer();
  if (!via.ok || !message.cseq().ok) return drop(ProxyMetrics::unframed);
  const bool ack = message.method() == sip::Method::ack;
  if (const int status = refusal(message, lines_)) {
    if (!ack) worker_.reply(packet, status, sip::reason_phrase(status), lines_);
    return Verdict::consumed;
  }
  const auto branch = marks_.branch(via, message, {peer.remote, false}, {worker_.index(), peer.listener});
  const bool keeps = is_stream(peer.transport);  // the upstream may lose what the client sends once
  const auto key = keeps ? exchange_key(branch, sip::Method::other) : 0;
  if (keeps) {
    know_stream(peer);
    if (taken(packet, key)) return Verdict::consumed;
  }
  // Unjudged, its answer could hide a refused password.
  if (!ack && !packet.begin_transaction()) return drop(ProxyMetrics::transaction_conflict);
  auto* port = ports_.towards(upstream);
  if (!port) return drop(ProxyMetrics::no_socket);
  const bool in_dialog = !message.to().tag.empty();
  const Flow flow{peer, upstream};
  edit_.begin(message);
  lines_.clear();
  append_via(lines_, Transport::udp, port->local, branch);
  if (keeps_route(message.method())) record_route(message, flow, *port, true);
  if (message.method() == sip::Method::register_) {
    if (holds(message, sip::HeaderId::supported, "path")) {
      scratch_.clear();
      marks_.write_flow(flow, {}, scratch_);
      lines_.append("Path: <sip:").append(scratch_).append("@").append(port->sent_by).append(";lr>\r\n");
    }
    // Without flow tokens of RFC 5626 in our Path a registrar would refuse (439).
    edit_.remove_values(sip::HeaderId::supported,
                        [](std::string_view tag) { return sip::iequals(tag, "outbound"); });
  }
  count_hop(message, edit_, lines_);
  edit_.put_first(lines_);
  stamp_source(via, peer.remote, edit_, scratch_);
  const bool followed = in_dialog && (route.sealed || packet.standing().evidence == Evidence::trusted);
  drop_routes(route, followed);
  edit_.write(out_);
  if (keeps && !ack) {
    Exchange what;
    what.key = key;
    what.method = message.method();
    what.from_client = what.repeats = true;
    what.client = peer;
    what.upstream = upstream;
    if (!exchanges_.begin(what, out_, packet.now())) {
      worker_.reply(packet, 503, sip::reason_phrase(503), {});
      return Verdict::consumed;
    }
    tick_later();
  }
  port->socket->send(out_, &upstream);
  metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_upstream);
  return Verdict::consumed;
}

// Whether a request of a stream client belongs to what is under way, and ends here.
bool Hop::taken(Packet& packet, std::uint64_t key) {
  const auto method = packet.sip().method();
  auto* exchange = exchanges_.find(key);
  if (method == sip::Method::cancel) {
    const int status = exchange ? 200 : 481;
    worker_.reply(packet, status, sip::reason_phrase(status), {});
    if (exchange) exchanges_.cancel(*exchange, packet.now());
    return true;
  }
  if (!exchange) return false;
  if (method == sip::Method::ack) return exchanges_.acknowledged(*exchange, packet.now());
  return true;
}

// Takes the topmost Via off and reads the one below, which tells whom the answer is for.
bool Hop::pop_via(sip::Message& message, sip::Via& next) {
  sip::ValueReader vias(message, sip::HeaderId::via);
  std::string_view element;
  if (!vias.next(element) || !vias.next(element)) return false;  // no Via left: it was for us
  next = sip::parse_via(element);
  if (!next.ok) return false;
  edit_.begin(message);
  bool first = true;
  edit_.remove_values(sip::HeaderId::via, [&](std::string_view) { return std::exchange(first, false); });
  return true;
}

Verdict Hop::answer(Packet& packet) {
  auto& message = packet.sip();
  const auto& via = message.via();
  Place place;
  sip::Via next;
  if (!via.ok || !message.cseq().ok || !sent_by_is(via, packet.peer().local) ||
      !Marks::read_place(via.branch, place) || !pop_via(message, next))
    return drop(ProxyMetrics::stray_response);
  const auto address = Address::parse(next.received);
  if (!address || next.rport == 0) return drop(ProxyMetrics::stray_response);
  const Endpoint upstream{*address, next.rport};
  const auto branch = marks_.branch(next, message, {upstream, true}, place);
  if (branch.text() != via.branch) return drop(ProxyMetrics::stray_response);
  auto* exchange =
      is_stream(packet.transport()) ? exchanges_.find(exchange_key(branch, message.cseq().method)) : nullptr;
  if (exchange && !exchanges_.answered(*exchange, message, packet.now())) return Verdict::consumed;
  auto* port = ports_.towards(upstream);
  if (!port) return drop(ProxyMetrics::no_socket);
  all_.events(worker_).sent(packet, upstream, Transport::udp);
  edit_.write(out_);
  port->socket->send(out_, &upstream);
  if (exchange) exchanges_.given(*exchange, out_, message.status(), packet.now());
  metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_upstream);
  return Verdict::consumed;
}

void Hop::from_upstream(const Endpoint& from, std::string_view octets, std::size_t tried) {
  if (sip::classify(octets) != sip::Datagram::sip) return;
  message_.parse(octets, sip::Framing::datagram);
  const bool known =
      is_upstream(from.address) && message_.framed() && message_.via().ok && message_.cseq().ok;
  if (message_.kind() == sip::Kind::response) {
    if (!known) return void(drop(ProxyMetrics::stray_response));
    answer_of_upstream(from, octets, tried);
  } else if (message_.kind() == sip::Kind::request) {
    if (!known) return void(drop(ProxyMetrics::stray_request));
    request_of_upstream(from, octets, tried);
  }
}

void Hop::answer_of_upstream(const Endpoint& from, std::string_view octets, std::size_t tried) {
  const auto& via = message_.via();
  Place place;
  if (!Marks::read_place(via.branch, place) || place.worker >= handed_.size())
    return void(drop(ProxyMetrics::stray_response));
  if (place.worker != worker_.index()) {
    if (tried == 0) hand_over(place.worker, from, octets, tried);
    return;
  }
  const auto address = Address::parse(via.host);
  sip::Via next;
  if (!address || !ports_.is_ours({*address, via.port == 0 ? kSipPort : via.port}) ||
      !pop_via(message_, next))
    return void(drop(ProxyMetrics::stray_response));
  const auto client = Address::parse(next.received);
  if (!client) return void(drop(ProxyMetrics::stray_response));
  const auto branch = marks_.branch(next, message_, {{*client, 0}, false}, place);
  if (branch.text() != via.branch) return void(drop(ProxyMetrics::stray_response));
  const bool stream = !sip::iequals(next.transport, "UDP");
  auto* exchange = stream ? exchanges_.find(exchange_key(branch, message_.cseq().method)) : nullptr;
  if (exchange && !exchanges_.answered(*exchange, message_, worker_.now())) return;
  if (stream) say_length(message_);
  edit_.write(out_);
  Peer peer;
  peer.listener = place.listener;
  packet_.assign(peer, out_);
  const auto* transaction = packet_.transaction();
  if (!transaction) return void(drop(ProxyMetrics::stray_response));
  packet_.set_peer(transaction->peer());
  all_.events(worker_).heard(packet_, from, Transport::udp);
  if (worker_.deliver(packet_)) metrics_.forwarded.add(worker_.index(), ProxyMetrics::to_client);
}

// On a stream nothing else tells where a message ends (RFC 3261 18.3).
void Hop::say_length(const sip::Message& message) {
  if (message.count(sip::HeaderId::content_length) != 0) return;
  scratch_ = "Content-Length: ";
  append(scratch_, static_cast<unsigned>(message.body().size()));
  scratch_.append("\r\n");
  edit_.put_first(scratch_);
}

// A dialog's client may have moved to another port, so what is known of it goes before what the route says.
Hop::Found Hop::find_client(sip::Message& message, const OwnRoute& route, Peer& client) const {
  const auto& sources = worker_.sources();
  const auto now = worker_.now();
  const auto tag = message.to().tag;
  auto found = Found::nobody;
  const auto is = [&](bool known) {
    if (known) found = reaches(client) ? Found::client : Found::gone;
    return found == Found::client;
  };
  if (!tag.empty() && is(sources.find_dialog(message.call_id(), tag, now, client))) return found;
  if (route.sealed) {
    client = route.flow.client;
    if (is(true)) return found;
  }
  is(sources.find_registration(message.request_uri(), now, client));
  return found;
}

void Hop::answer_upstream(const Endpoint& to, int status, std::string_view extra) {
  if (message_.method() == sip::Method::ack) return;
  auto* port = ports_.towards(to);
  if (!port) return;
  scratch_ = "swh";
  scratch_.append(marks_.branch(message_.via(), message_, {to, true}, {}).text().substr(13));
  const auto reason = status == 430 ? std::string_view("Flow Failed") : sip::reason_phrase(status);
  if (sip::make_reply(message_, status, reason, scratch_, to, extra, out_)) port->socket->send(out_, &to);
}

// Whether a request of an upstream belongs to what is under way with a stream, and ends here.
bool Hop::taken_of_upstream(const Endpoint& from, std::uint64_t key) {
  auto* exchange = exchanges_.find(key);
  if (!exchange) return false;
  const auto now = worker_.now();
  if (message_.method() == sip::Method::ack) return exchanges_.acknowledged(*exchange, now);
  if (message_.method() == sip::Method::cancel) {
    answer_upstream(from, 200, {});
    exchanges_.cancel(*exchange, now);
  } else {
    exchanges_.repeated(*exchange);
  }
  return true;
}

void Hop::request_of_upstream(const Endpoint& from, std::string_view octets, std::size_t tried) {
  auto& message = message_;
  if (const int status = refusal(message, lines_)) return answer_upstream(from, status, lines_);
  const auto branch = marks_.branch(message.via(), message, {from, true}, {worker_.index(), 0});
  const auto key = exchange_key(branch, sip::Method::other);
  if (!exchanges_.empty() && taken_of_upstream(from, key)) return;
  const auto route = read_route(message, nullptr);
  if (route.sealed && tried == 0) {
    const auto owner = all_.workers().owner(route.flow.client.remote.address);
    if (owner != worker_.index()) return hand_over(owner, from, octets, tried);
  }
  Flow flow;
  flow.upstream = from;
  const auto found = find_client(message, route, flow.client);
  if (found != Found::client) {
    // Who owns its client can't be seen in it: the next worker may know.
    if (found == Found::nobody && tried + 1 < handed_.size())
      return hand_over((worker_.index() + 1) % handed_.size(), from, octets, tried);
    drop(ProxyMetrics::stray_request);
    return answer_upstream(from, found == Found::gone ? 430 : message.to().tag.empty() ? 404 : 481, {});
  }
  auto* port = ports_.towards(from);
  if (!port) return void(drop(ProxyMetrics::no_socket));
  const auto& peer = flow.client;
  const auto method = message.method();
  const bool keeps = is_stream(peer.transport) && method != sip::Method::ack;
  if (keeps && method == sip::Method::cancel) return answer_upstream(from, 481, {});
  edit_.begin(message);
  lines_.clear();
  append_via(lines_, peer.transport, peer.local, branch);
  if (keeps_route(method)) record_route(message, flow, *port, false);
  count_hop(message, edit_, lines_);
  edit_.put_first(lines_);
  if (is_stream(peer.transport)) say_length(message);
  stamp_source(message.via(), from, edit_, scratch_);
  drop_routes(route, true);
  edit_.write(out_);
  packet_.assign(peer, out_);
  all_.events(worker_).heard(packet_, from, Transport::udp);
  if (keeps) {
    Exchange what;
    what.key = key;
    what.method = method;
    what.client = peer;
    what.upstream = from;
    auto* exchange = exchanges_.begin(what, out_, worker_.now());
    if (!exchange) return answer_upstream(from, 503, {});
    tick_later();
    if (method == sip::Method::invite) {
      exchange->gave_100 = true;
      out_.swap(lines_);
      answer_upstream(from, 100, {});
      exchanges_.given(*exchange, out_, 100, worker_.now());
      out_.swap(lines_);
    }
  }
  deliver(peer);
}

}  // namespace sipward::proxy
