#include "balancer.hpp"

#include <algorithm>
#include <optional>

namespace sipward::proxy {
namespace {

using namespace std::chrono_literals;
using sip::HeaderId;
using sip::Kind;
using sip::Method;

constexpr auto kTransaction = 32s;  // 64*T1 (RFC 3261 17.1.1.2)
constexpr auto kRinging = 180s;     // Timer C (RFC 3261 16.6 step 11)
constexpr auto kCall = 24h;         // since its last message
constexpr auto kAfter = 64s;        // for what follows an answer: an ACK, the request again with credentials
constexpr Duration kMostExpires = 7 * 24h;

bool in_dialog(sip::Message& m) {
  return m.kind() == Kind::response || m.method() == Method::ack || m.method() == Method::cancel ||
         !m.to().tag.empty();
}

// What a 2xx grants: the longest of its Contacts, else its Expires, else an hour (RFC 3261 10.2.1.1).
Duration granted(sip::Message& m) {
  const Duration whole = std::chrono::seconds(m.expires().value_or(3600));
  std::optional<Duration> longest;
  sip::ValueReader values(m, HeaderId::contact);
  for (std::string_view element; values.next(element);) {
    Duration one = whole;
    if (const auto text = sip::find_parameter(sip::parse_name_addr(element).parameters, "expires"))
      if (const auto number = sip::parse_number(*text))
        one = std::chrono::seconds(std::min<std::uint64_t>(*number, 0xFFFFFFFF));
    longest = std::max(longest.value_or(one), one);
  }
  return std::min(m.cseq().method == Method::register_ ? longest.value_or(Duration::zero()) : whole,
                  kMostExpires);
}

}  // namespace

struct Balancer::Question {
  Packet& packet;
  sip::Message& message;
  const Pool& pool;
  Pool::Seat& seat;
  const Members& members;
  const std::function<bool(const Target&)>& has_flow;
  Time now;
  std::uint64_t key;
  std::uint32_t tried = 0;  // targets that had their try, as Conversation::tried_targets

  const Pool::Member* member(const Target& target) const {
    for (const auto& m : members)
      if (m.target.get() == &target) return &m;
    return nullptr;
  }
};

Balancer::Balancer(Worker& worker, Targets& targets, const ProxyMetrics& metrics, std::size_t conversations)
    : worker_(worker), metrics_(metrics), conversations_(targets, conversations) {}

// With the client's address, because a message may pass two servers of this process; without its port, which
// changes in the middle of a call.
std::uint64_t Balancer::key_of(const Packet& packet, std::string_view call_id) const {
  const auto& key = worker_.sources().key();
  const std::uint64_t both[]{keyed_hash(key, call_id), keyed_hash(key, packet.peer().remote.address)};
  return keyed_hash(key, std::string_view(reinterpret_cast<const char*>(both), sizeof both)) | 1;
}

std::uint64_t Balancer::key_of(const Peer& client) const {
  const auto& key = worker_.sources().key();
  const std::uint64_t both[]{keyed_hash(key, client.remote), client.connection, client.listener};
  return keyed_hash(key, std::string_view(reinterpret_cast<const char*>(both), sizeof both)) | 1;
}

Choice Balancer::choose(Packet& packet, const Pool& pool,
                        const std::function<bool(const Target&)>& has_flow) {
  auto& message = packet.sip();
  auto& seat = pool.seat(worker_.index());
  const auto& members = pool.members(seat, packet.transport());
  Question q{packet, message, pool, seat, members, has_flow, packet.now(), key_of(packet, message.call_id())};
  Choice choice;
  const bool belongs = in_dialog(message);
  auto* c = conversations_.find(q.key, q.now);
  const auto* member = c ? stay(q, *c) : belongs ? nullptr : home(q);
  if (!member && c && belongs) {
    // Its upstream is none of ours any more, but nobody else knows of the dialog.
    auto& target = *conversations_.target(*c);
    if (is_stream(target.transport()) && !is_stream(packet.transport()))
      return {nullptr, ProxyMetrics::transport};
    choice.target = &target;
  } else {
    if (!member && belongs) member = named(q);
    if (!member) member = balance(q, choice);
    if (!member) return choice;
    choice.target = member->target.get();
  }
  if (message.kind() == Kind::request && message.method() != Method::ack) {
    choice.target->count_request(worker_.index());
    if (!belongs || !c) remember(q, *choice.target);
  }
  if (belongs)
    if (auto* known = conversations_.find(q.key, q.now)) follow(packet, *known);
  return choice;
}

// The member that a conversation began with, unless this request had better go elsewhere.
const Pool::Member* Balancer::stay(Question& q, Conversation& c) {
  const auto& target = *conversations_.target(c);
  const auto* member = q.member(target);
  if (in_dialog(q.message)) {
    if (member || !is_stream(target.transport()) || is_stream(q.packet.transport())) return member;
    // The client went over from TCP to UDP: the same host, then.
    for (const auto& m : q.members)
      if (m.target->endpoint().address == target.endpoint().address) return &m;
    return nullptr;
  }
  if (!member) return nullptr;
  if (c.stage == Stage::asking && q.pool.options().try_duration > 0s) {
    const bool failed = target.last_failure() >= c.tried;
    const bool silent = q.now - c.tried >= q.pool.options().try_interval;
    if ((failed || silent) && q.now - c.asked <= q.pool.options().try_duration) {
      q.tried = c.tried_targets;
      Choice unused;
      if (const auto* next = balance(q, unused)) return next;
      q.tried = 0;
      return member;
    }
  }
  if (!usable(q, *member)) return nullptr;
  // A registration leaves a draining upstream with its next refresh.
  return target.draining && c.stage == Stage::registered ? nullptr : member;
}

// Where the client is registered.
const Pool::Member* Balancer::home(Question& q) {
  const auto* c = conversations_.find(key_of(q.packet.peer()), q.now);
  if (!c) return nullptr;
  const auto* member = q.member(*conversations_.target(*c));
  if (!member || !usable(q, *member)) return nullptr;
  return member->target->draining && q.message.method() == Method::register_ ? nullptr : member;
}

// Of a dialog that we know nothing of, after a restart: the upstream that it names as its next hop, or to
// which the client has a flow.
const Pool::Member* Balancer::named(Question& q) const {
  const Pool::Member* same_host = nullptr;
  if (q.message.kind() == Kind::request) {
    auto next = q.message.uri();
    std::string_view route;
    sip::ValueReader routes(q.message, HeaderId::route);
    if (routes.next(route)) next = sip::parse_uri(sip::parse_name_addr(route).uri);
    if (const auto address = Address::parse(next.host)) {
      const auto port = next.port != 0 ? next.port : Port{5060};
      for (const auto& m : q.members) {
        if (m.target->endpoint() == Endpoint{*address, port}) return &m;
        if (m.target->endpoint().address == *address) same_host = &m;
      }
    }
  }
  if (same_host) return same_host;
  for (const auto& m : q.members)
    if (q.has_flow(*m.target)) return &m;
  return nullptr;
}

bool Balancer::was_tried(const Question& q, const Target& target) {
  return q.tried != 0 &&
         (q.tried >> (conversations_.number(target.transport(), target.endpoint()) % 32) & 1) != 0;
}

bool Balancer::usable(const Question& q, const Pool::Member& member) const {
  return member.up() && !q.pool.failing(*member.target, q.now);
}

const Pool::Member* Balancer::balance(Question& q, Choice& choice) {
  const auto& options = q.pool.options();
  auto& candidates = q.seat.candidates;
  bool any_up = false;
  // Failures are a reason to prefer others; when nobody else is left they are forgiven.
  for (const bool forgiving : {false, true}) {
    candidates.clear();
    for (std::size_t i = 0; i < q.members.size(); ++i) {
      const auto& m = q.members[i];
      if (!m.up() || (!forgiving && !usable(q, m))) continue;
      any_up = true;
      auto& target = *m.target;
      const auto most = options.upstreams[m.upstream].max_connections;
      const bool full =
          most != 0 && target.flows.load(std::memory_order_relaxed) >= most && !q.has_flow(target);
      if (target.draining || full || was_tried(q, target)) continue;
      // Tiers come in their order.
      const bool behind = std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& c) {
        return q.members[c.place].upstream == m.upstream && q.members[c.place].tier < m.tier;
      });
      if (behind) continue;
      candidates.push_back(
          {i, m.name, m.weight, m.share,
           target.active.load(std::memory_order_relaxed) + target.flows.load(std::memory_order_relaxed)});
    }
    if (!candidates.empty()) break;
  }
  if (candidates.empty()) {
    choice.why = q.members.empty() ? (q.pool.takes(q.packet.transport()) ? ProxyMetrics::no_upstream
                                                                         : ProxyMetrics::transport)
                                   : (any_up ? ProxyMetrics::upstreams_full : ProxyMetrics::upstreams_down);
    return nullptr;
  }
  std::size_t chosen = 0;
  switch (options.policy) {
    case Policy::first:
      break;
    case Policy::round_robin:
    case Policy::weighted_round_robin:
      chosen =
          q.seat.rotation.next(candidates, q.members.size(), options.policy == Policy::weighted_round_robin);
      break;
    case Policy::random:
      chosen = weighted(std::generate_canonical<double, 32>(q.seat.chance), candidates);
      break;
    case Policy::least_conn:
      chosen = least_loaded(candidates, q.seat.turn++);
      break;
    case Policy::ip_hash:
      chosen = rendezvous(stable_hash(source_of(q.packet.peer().remote.address)), candidates);
      break;
    case Policy::call_id_hash:
      chosen = rendezvous(stable_hash(q.message.call_id()), candidates);
      break;
  }
  return &q.members[candidates[chosen].place];
}

void Balancer::remember(Question& q, const Target& target) {
  const auto number = conversations_.number(target.transport(), target.endpoint());
  const auto* before = conversations_.find(q.key, q.now);
  const bool asking = before && before->stage == Stage::asking;
  const bool again = asking && before->target != number;
  auto& c = conversations_.open(q.key, number, q.now);
  c.proven = c.proven || q.packet.standing().evidence != Evidence::unproven;
  if (c.stage == Stage::ringing || c.stage == Stage::call) return;
  conversations_.set(c, Stage::asking, q.now + kTransaction);
  if (asking && !again) return;  // a retransmission
  if (again) {
    metrics_.retries.add(worker_.index());
  } else {
    c.asked = q.now;
    c.tried_targets = 0;
  }
  c.tried = q.now;
  c.failed = false;
  c.tried_targets |= 1U << (number % 32);
}

// What the client's own messages tell of a dialog.
void Balancer::follow(Packet& packet, Conversation& c) {
  auto& m = packet.sip();
  const auto now = packet.now();
  if (m.kind() == Kind::response) {
    if (m.cseq().method == Method::invite && m.status() >= 200 && c.stage == Stage::ringing) {
      const bool accepted = m.status() < 300;
      conversations_.set(c, accepted ? Stage::call : Stage::known,
                         now + (accepted ? Duration(kCall) : kAfter));
    } else if (m.cseq().method == Method::bye && m.status() >= 200) {
      conversations_.set(c, Stage::known, now + kAfter);
    }
  }
  if (c.stage == Stage::call) c.expires = now + kCall;
}

void Balancer::heard(Packet& packet, const Endpoint& upstream, Transport transport) {
  const auto now = packet.now();
  const auto number = conversations_.number(transport, upstream);
  conversations_.target(number)->heard(now);
  if (packet.is_keep_alive()) return;
  auto& m = packet.sip();
  if (m.kind() == Kind::not_sip || m.call_id().empty()) return;
  const auto key = key_of(packet, m.call_id());
  if (m.kind() == Kind::request) {
    // The upstream calls: the client's answers, and what it says later, go back to that one.
    auto& c = conversations_.open(key, number, now);
    c.proven = true;
    if (c.stage == Stage::call) {
      c.expires = now + kCall;
    } else if (c.stage != Stage::registered) {
      const bool invite = m.method() == Method::invite;
      conversations_.set(c, invite ? Stage::ringing : Stage::known,
                         now + (invite ? Duration(kRinging) : kAfter));
    }
    return;
  }
  auto* c = conversations_.find(key, now);
  if (!c) return;
  // Of several that were asked, the dialog is with the one that answers.
  if (c->stage == Stage::asking) conversations_.move(*c, number);
  answered(packet, *c);
}

void Balancer::answered(Packet& packet, Conversation& c) {
  auto& m = packet.sip();
  const auto now = packet.now();
  const auto method = m.cseq().method;
  const auto status = m.status();
  if (method == Method::cancel) return;
  if (status < 200) {
    if (method == Method::invite && c.stage != Stage::call)
      conversations_.set(c, Stage::ringing, now + kRinging);
    return;
  }
  const bool ok = status < 300;
  if (method == Method::bye) return conversations_.set(c, Stage::known, now + kAfter);
  if (method == Method::invite && ok) return conversations_.set(c, Stage::call, now + kCall);
  if (c.stage == Stage::call) return;
  if (method == Method::register_ && ok) return registered(packet, c);
  if (c.stage == Stage::registered) return;  // its refresh was refused; the next one knows why
  const Duration lives = method == Method::subscribe && ok ? granted(m) + kAfter : Duration(kAfter);
  conversations_.set(c, Stage::known, std::max(c.expires, now + lives));
}

void Balancer::registered(Packet& packet, Conversation& c) {
  const auto now = packet.now();
  const auto lives = granted(packet.sip());
  const auto key = key_of(packet.peer());
  const auto target = c.target;
  const bool proven = c.proven;
  conversations_.set(c, lives > 0s ? Stage::registered : Stage::known, now + lives + kAfter);
  if (lives <= 0s) {
    if (auto* home = conversations_.find(key, now)) conversations_.forget(*home);
    return;
  }
  auto& home = conversations_.open(key, target, now);  // `c` may be gone
  home.proven = home.proven || proven;
  conversations_.set(home, Stage::registered, now + lives + kAfter);
}

void Balancer::sent(Packet& packet, const Endpoint& upstream, Transport transport) {
  auto& m = packet.sip();
  const auto number = conversations_.number(transport, upstream);
  if (m.kind() == Kind::request && m.method() != Method::ack)
    conversations_.target(number)->count_request(worker_.index());
  auto* c = conversations_.find(key_of(packet, m.call_id()), packet.now());
  if (!c) return;
  conversations_.move(*c, number);
  follow(packet, *c);
}

void Balancer::failed(const Endpoint& upstream, Transport transport, Failure why) {
  const auto number = conversations_.number(transport, upstream);
  conversations_.target(number)->fail(worker_.now());
  metrics_.failures.add(worker_.index(), static_cast<std::size_t>(why));
}

void Balancer::opened(const Endpoint& upstream, Transport transport) {
  const auto number = conversations_.number(transport, upstream);
  conversations_.hold(number);
  conversations_.target(number)->flows.fetch_add(1, std::memory_order_relaxed);
}

void Balancer::closed(const Endpoint& upstream, Transport transport) {
  const auto number = conversations_.number(transport, upstream);
  conversations_.release(number);
  conversations_.target(number)->flows.fetch_sub(1, std::memory_order_relaxed);
}

bool Balancer::is_home(const Peer& client, const Endpoint& upstream, Transport transport) {
  const auto* c = conversations_.find(key_of(client), worker_.now());
  if (!c) return false;
  const auto& target = *conversations_.target(*c);
  return target.endpoint() == upstream && target.transport() == transport;
}

// A request without an answer speaks against its upstream only when nothing else came from there either, and
// when its sender is no mere address: what a PBX chooses not to answer must not take it out of service.
void Balancer::sweep(Time now) {
  conversations_.sweep(now, [&](Conversation& c) {
    if (c.stage != Stage::asking || c.failed || !c.proven || now - c.tried < kUnanswered) return;
    c.failed = true;
    auto& target = *conversations_.target(c);
    if (target.last_heard() >= c.tried) return;
    target.fail(now);
    metrics_.failures.add(worker_.index(), static_cast<std::size_t>(Failure::unanswered));
  });
}

}  // namespace sipward::proxy
