#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guardian.hpp"
#include "proxy.hpp"
#include "routing/chain.hpp"
#include "sipward/sip/datagram.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/testing/fake_host.hpp"
#include "sipward/testing/sip_text.hpp"

namespace sipward::test {

// A worker whose sockets keep what is sent: `upstream` what a handler forwarded, `answers` what it replied.
class KeepingWorker final : public Worker, public Workers {
 public:
  explicit KeepingWorker(const Clock& clock) : clock_(clock) {}

  std::vector<std::string> upstream;
  std::vector<int> answers;

  std::size_t index() const override { return 0; }
  std::size_t count() const override { return 1; }
  boost::asio::io_context& io() override { return io_; }
  Time now() const override { return clock_.now(); }
  Sources& sources() override { return sources_; }
  void send(const Peer&, std::string_view) override {}
  bool deliver(Packet&) override { return true; }
  void reply(Packet&, int status, std::string_view, std::string_view) override { answers.push_back(status); }
  std::size_t queued(const Peer&) const override { return 0; }
  void pause(const Peer&) override {}
  void resume(const Peer&) override {}
  void delay(const Peer&, Duration) override {}
  void close(const Peer&) override {}
  void watch(const Peer&, std::function<void()>, std::function<void()>) override {}
  void close_source(const Cidr&) override {}
  void at_batch_end(BatchEnd& end) override { end.batch_end(); }
  std::unique_ptr<UdpPort> open_udp(const Endpoint&, const Endpoint*, Receive) override {
    return std::make_unique<Port>(*this);
  }

  std::size_t owner(const Address&) const override { return 0; }
  void post(std::size_t, std::function<void(Worker&)> task) override { task(*this); }
  void post_all(std::function<void(Worker&)> task) override { task(*this); }

 private:
  class Port final : public UdpPort {
   public:
    explicit Port(KeepingWorker& worker) : worker_(worker) {}
    void send(std::string_view octets, const Endpoint*) override { worker_.upstream.emplace_back(octets); }
    Endpoint local() const override { return {}; }

   private:
    KeepingWorker& worker_;
  };

  const Clock& clock_;
  boost::asio::io_context io_;
  Sources sources_{HashKey{1, 2}, Sources::Limits{}};
};

class NoHttpHere final : public CreateContext {
 public:
  using CreateContext::CreateContext;
  std::vector<std::unique_ptr<HttpHandler>> http_children(const config::Node&) override { return {}; }
};

// One route of a Sipfile, `sip_guardian` before `proxy`, run by core's own chain. Every message comes from a
// source of its own, an hour after the one before, so that each is judged on itself.
class Relay {
 public:
  explicit Relay(const std::string& mode) : worker_(clock_), metrics_(1) {
    config::Errors errors;
    const auto guard =
        config::parse_text("test", "sip_guardian {\nvalidation {\nmode " + mode + "\n}\n}\n", {}, errors);
    const auto forward = config::parse_text("test", "proxy udp/198.51.100.5:5060\n", {}, errors);
    REQUIRE(guard.size() == 1);
    REQUIRE(forward.size() == 1);
    NoHttpHere create(errors, scope_);
    Route route;
    route.handlers.push_back(guardian::make_guardian(guard[0], create));
    route.handlers.push_back(std::make_unique<proxy::Proxy>(proxy::read_options(forward[0], errors)));
    for (const auto& handler : route.handlers) handler->validate(errors);
    INFO(errors.to_string());
    REQUIRE(errors.ok());
    BuildContext context{services_, metrics_,   log_,       clock_, worker_,
                         resolver_, protected_, endpoints_, scope_, "/nonexistent"};
    for (const auto& handler : route.handlers) handler->provision(context);
    for (auto& [name, changed] : resolver_.watched) changed({*Endpoint::parse("198.51.100.5:5060")});
    server_.routes.push_back(std::move(route));
    instance_ = services_.find<guardian::Instance>("sip_guardian/" + guardian::instance_name(guard[0]));
  }

  // What became of a datagram, as the table writes it; `proven`: its source echoed a nonce before.
  std::string datagram(const std::string& octets, bool proven) {
    const Peer from = next_source(Transport::udp);
    if (proven) prove(from);
    const auto kind = sip::classify(octets);
    if (kind != sip::Datagram::sip) return "ignore " + std::string(to_string(kind));
    return watched(from, [&] { return message(from, octets); });
  }

  // What became of a whole stream, which ends after its last octet.
  std::string stream(const std::string& octets) {
    const Peer from = next_source(Transport::tcp);
    return watched(from, [&] {
      sip::Framer framer;
      std::string_view rest = octets;
      std::string all;
      const auto add = [&all](const std::string& word) { all += (all.empty() ? "" : "; ") + word; };
      while (true) {
        const auto r = framer.next(rest);
        if (r.what == sip::Framer::What::need_more) return all.empty() ? "wait" : all;
        if (r.what == sip::Framer::What::error) {
          add(r.can_reply ? message(from, std::string(rest.substr(0, r.size))) : "fault");
          const Source source{from.remote, from.local, from.transport};
          if (!r.can_reply) tell_fault(server_, worker_, source, to_string(r.error));
          return all + " close";
        }
        if (r.what == sip::Framer::What::message) add(message(from, std::string(rest.substr(0, r.size))));
        rest.remove_prefix(r.size);
      }
    });
  }

 private:
  Peer next_source(Transport transport) {
    clock_.advance(std::chrono::hours(1));
    Peer from;
    ++sources_;
    from.remote = *Endpoint::parse("192.0." + std::to_string(2 + sources_ / 250) + "." +
                                   std::to_string(1 + sources_ % 250) + ":40000");
    from.local = *Endpoint::parse("203.0.113.1:5060");
    from.transport = transport;
    from.connection = is_stream(transport) ? sources_ : 0;
    return from;
  }

  void prove(const Peer& from) {
    SipText text;
    text.method = "REGISTER";
    sip::Message message;
    const auto challenge = text.response(401, "t", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"\r\n");
    message.parse(challenge, sip::Framing::datagram);
    worker_.sources().outbound(message, from, nullptr, worker_.now());
    text.extra =
        "Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n1\", uri=\"sip:b\", response=\"0\"\r\n";
    const auto request = text.request();
    message.parse(request, sip::Framing::datagram);
    worker_.sources().inbound(message, from, worker_.now());
    REQUIRE(worker_.sources().standing(from.remote, worker_.now()).evidence == Evidence::proven);
  }

  std::string message(const Peer& from, const std::string& octets) {
    worker_.upstream.clear();
    worker_.answers.clear();
    Packet packet(worker_, Direction::inbound);
    packet.assign(from, octets);
    run_inbound(server_, packet);
    if (!worker_.upstream.empty()) {
      CHECK(worker_.answers.empty());
      CHECK(worker_.upstream.size() == 1);
      check_exact(octets, worker_.upstream[0]);
      return "relay " + std::to_string(worker_.upstream[0].size());
    }
    return worker_.answers.empty() ? "drop" : std::to_string(worker_.answers[0]);
  }

  // What goes to the PBX is what came, without line ends before it, and never more.
  static void check_exact(std::string_view came, std::string_view went) {
    while (!came.empty() && (came[0] == '\r' || came[0] == '\n')) came.remove_prefix(1);
    CHECK(came.substr(0, went.size()) == went);
  }

  template <typename Work>
  std::string watched(const Peer& from, Work&& work) {
    const auto failures = instance_->total(guardian::Tally::failures);
    std::string result = work();
    if (instance_->total(guardian::Tally::failures) != failures) result += " count";
    if (!instance_->store().covering(from.remote.address).empty()) result += " ban";
    if (instance_->store().soft_block(from.remote.address)) result += " soft";
    return result;
  }

  FakeClock clock_;
  KeepingWorker worker_;
  Services services_;
  Metrics metrics_;
  FakeLogger log_;
  FakeResolver resolver_;
  ProtectedAddresses protected_;
  HttpEndpoints endpoints_;
  BuildScope scope_;
  RouteServer server_;
  std::shared_ptr<guardian::Instance> instance_;
  unsigned sources_ = 0;
};

}  // namespace sipward::test
