#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "guardian.hpp"
#include "sipward/testing/fake_host.hpp"
#include "sipward/testing/sip_text.hpp"

namespace sipward::test {

class PlainCreateContext final : public CreateContext {
 public:
  using CreateContext::CreateContext;
  std::vector<std::unique_ptr<HttpHandler>> http_children(const config::Node&) override { return {}; }
};

// Lets tests write `a 1; b 2` for two lines of a Sipfile.
inline std::string sipfile_lines(std::string text) {
  std::replace(text.begin(), text.end(), ';', '\n');
  return text;
}

// One sip_guardian between a client and a PBX, on fake workers: what goes through it goes the way core and a
// forwarding handler take it, with the real table of sources.
class GuardianHarness {
 public:
  explicit GuardianHarness(const std::string& sipfile = "sip_guardian", std::size_t workers = 1)
      : host(workers) {
    add(sipfile);
  }

  // Another directive of the same configuration.
  void add(const std::string& sipfile) {
    config::Errors errors;
    const auto nodes = config::parse_text("test", sipfile_lines(sipfile), {}, errors);
    REQUIRE(nodes.size() == 1);
    PlainCreateContext create(errors, host.scope);
    handler = guardian::make_guardian(nodes[0], create);
    handler->validate(errors);
    INFO(errors.to_string());
    REQUIRE(errors.ok());
    auto context = host.context();
    handler->provision(context);
    instance = host.services.find<guardian::Instance>("sip_guardian/" + guardian::instance_name(nodes[0]));
  }

  static Peer peer(std::string_view endpoint, Transport transport = Transport::udp) {
    Peer p;
    p.remote = *Endpoint::parse(endpoint);
    p.local = *Endpoint::parse("203.0.113.1:5060");
    p.transport = transport;
    p.connection = is_stream(transport) ? p.remote.port : 0;
    return p;
  }

  // From the client. A request that passes begins its transaction, as it does when it is forwarded.
  Verdict in(const Peer& from, const std::string& octets, std::size_t worker = 0) {
    auto& w = host.workers.at(worker);
    if (handler->on_admit(w, {from.remote, from.local, from.transport}) != Verdict::next)
      return Verdict::drop;
    Packet packet(w, Direction::inbound);
    packet.assign(from, octets);
    packet.set_keep_alive(octets == "\r\n\r\n");
    const auto verdict = handler->on_inbound(packet);
    const bool request = !packet.is_keep_alive() && packet.sip().kind() == sip::Kind::request;
    if (verdict == Verdict::next && request) packet.begin_transaction();
    host.workers.run();
    return verdict;
  }
  bool passes(const Peer& from, const std::string& octets) { return in(from, octets) == Verdict::next; }

  // From the PBX.
  void out(const Peer& to, const std::string& octets) {
    auto& w = host.workers.at(0);
    Packet packet(w, Direction::outbound);
    packet.assign(to, octets);
    CHECK(handler->on_outbound(packet) == Verdict::next);
    w.sources().outbound(packet.sip(), to, packet.transaction(), w.now());
    host.workers.run();
  }
  // A request and, when it passes, the PBX's answer to it. True when it passed.
  bool exchange(const Peer& from, const SipText& request, int status, const std::string& more = {}) {
    if (!passes(from, request.request())) return false;
    out(from, request.response(status, "pbxtag", more));
    return true;
  }

  // A SipText that was never used before.
  SipText next(std::string method = "OPTIONS") {
    SipText text;
    const auto n = std::to_string(++count_);
    text.method = std::move(method);
    text.branch = "z9hG4bKb" + n;
    text.call_id = "call-" + n;
    text.from_tag = "f" + n;
    return text;
  }
  SipText register_as(const std::string& user) {
    auto text = next("REGISTER");
    text.uri = "sip:example.com";
    text.from = text.to = "<sip:" + user + "@example.com>";
    text.extra = "Contact: <sip:" + user + "@192.0.2.10>\r\n";
    return text;
  }
  static std::string credentials(const std::string& user, const std::string& nonce) {
    return "Authorization: Digest username=\"" + user + "\", realm=\"r\", nonce=\"" + nonce +
           "\", uri=\"sip:example.com\", response=\"0123456789abcdef0123456789abcdef\"\r\n";
  }
  static std::string challenge(const std::string& nonce, bool stale = false) {
    return "WWW-Authenticate: Digest realm=\"r\", nonce=\"" + nonce + "\"" + (stale ? ", stale=true" : "") +
           "\r\n";
  }
  // Challenge and credentials; the PBX answers `status`. False when one of both was dropped.
  bool log_in(const Peer& from, const std::string& user, int status) {
    const auto nonce = "n" + std::to_string(++count_);
    if (!exchange(from, register_as(user), 401, challenge(nonce))) return false;
    auto text = register_as(user);
    text.extra += credentials(user, nonce);
    return exchange(
        from, text, status,
        status == 401 ? challenge(nonce + "x") : "Contact: <sip:" + user + "@192.0.2.10>;expires=3600\r\n");
  }
  // A call that the PBX accepts and the client acknowledges: proves address and port.
  bool call(const Peer& from) {
    auto invite = next("INVITE");
    if (!exchange(from, invite, 200)) return false;
    invite.method = "ACK";
    invite.branch += "a";
    invite.to_tag = "pbxtag";
    return passes(from, invite.request());
  }

  // A call of the admin API, or with that group of the management API.
  HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = {},
                   const std::string& group = "sip_guardian/default") {
    HttpRequest request;
    request.method = method;
    const auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.query = path.substr(question + 1);
    request.body = body;
    HttpResponse response;
    host.endpoints.run(group, request, response);
    if (const auto later = response.later) later([&](HttpResponse made) { response = std::move(made); });
    host.workers.run();
    return response;
  }

  bool banned(const Peer& from) { return !instance->store().covering(from.remote.address).empty(); }
  std::string ban_scope(const Peer& from) {
    const auto bans = instance->store().covering(from.remote.address);
    return bans.empty() ? "none" : std::string(to_string(bans[0]->scope));
  }
  bool soft_blocked(const Peer& from) {
    return instance->store().soft_block(from.remote.address).has_value();
  }
  std::uint64_t total(guardian::Tally::Field field) { return instance->total(field); }

  FakeHost host;
  std::unique_ptr<Handler> handler;
  std::shared_ptr<guardian::Instance> instance;

 private:
  unsigned count_ = 0;
};

}  // namespace sipward::test
