#include "sipward/testing/chain.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::test;
using Catch::Matchers::Contains;
using namespace std::chrono_literals;

namespace {

struct Log : Service {
  std::vector<std::string> words;
  bool started = false;
  void start() override { started = true; }
};

// Notes every hook; drops and answers what it is told to.
class Noting final : public Handler {
 public:
  Noting(const config::Node& node, config::Errors& errors) {
    config::Reader r(node, errors);
    r.text("name", name_, config::Place::argument);
    r.text("drops", drops_);
    r.flag("refuses", refuses_);
    r.flag("replies", replies_);
    r.finish();
  }
  void validate(config::Errors& errors) const override {
    if (name_ == "nobody") errors.warn({}, "nobody is a poor name");
  }
  void provision(BuildContext& context) override {
    if (name_ == "poor") throw config::ConfigError("poor can't be provisioned");
    log_ = context.services.find_or_make<Log>("log", [] { return std::make_shared<Log>(); });
    seen_ = context.metrics.counter("noting_seen_total", "Messages.");
    context.log.warn("noting", "provisioned", {{"name", name_}});
  }
  Verdict on_admit(Worker&, const Source&) const override { return refuses_ ? Verdict::drop : Verdict::next; }
  void on_stream_fault(Worker&, const Source&, std::string_view fault) const override {
    log_->words.push_back(name_ + " " + std::string(fault));
  }
  Verdict on_inbound(Packet& packet) const override {
    seen_.add(packet.worker().index());
    return note("in", packet);
  }
  Verdict on_outbound(Packet& packet) const override { return note("out", packet); }

 private:
  Verdict note(const char* way, Packet& packet) const {
    log_->words.push_back(name_ + " " + way);
    if (!drops_.empty() && packet.octets().find(drops_) != std::string_view::npos) return Verdict::drop;
    if (!replies_ || packet.is_keep_alive()) return Verdict::next;
    packet.worker().reply(packet, 403, "Forbidden", "Warning: none\r\n");
    return Verdict::consumed;
  }

  std::string name_ = "nobody", drops_;
  bool refuses_ = false, replies_ = false;
  std::shared_ptr<Log> log_;
  Counter seen_;
};

struct NotInvite final : Matcher {
  Match match(Packet& packet) const override {
    return packet.sip().method() == sip::Method::invite ? Match::no : Match::yes;
  }
};

std::unique_ptr<Handler> make_noting(const config::Node& node, CreateContext& context) {
  return std::make_unique<Noting>(node, context.errors);
}
std::unique_ptr<Matcher> make_not_invite(const config::Node&, CreateContext&) {
  return std::make_unique<NotInvite>();
}

constexpr HandlerFactory kHandlers[] = {{"noting", make_noting}};
constexpr MatcherFactory kMatchers[] = {{"not_invite", make_not_invite}};

std::vector<std::string> words(Chain& chain) {
  return std::move(chain.host().services.find<Log>("log")->words);
}
using Words = std::vector<std::string>;

}  // namespace

SIPWARD_MODULE("noting", "1.0.0", kHandlers, kMatchers);

TEST_CASE("a message passes the handlers in order, its answer in reverse") {
  Chain chain("noting a\nnoting b");
  CHECK(chain.host().services.find<Log>("log")->started);
  const SipText invite{.method = "INVITE"};
  CHECK(chain.from_client(invite.request()).fate == Fate::forwarded);
  CHECK(words(chain) == Words{"a in", "b in"});
  CHECK(chain.forwarded() == Words{invite.request()});

  const auto answer = chain.from_upstream(invite.response(486));
  CHECK(answer.fate == Fate::forwarded);
  CHECK(answer.status() == 486);
  CHECK(answer.sent == Words{invite.response(486)});
  CHECK(words(chain) == Words{"b out", "a out"});
  CHECK(chain.metric("noting_seen_total") == 2);
  CHECK(chain.host().log.lines() ==
        Words{"warn noting: provisioned name=a", "warn noting: provisioned name=b"});
}

TEST_CASE("each fate of a message is told apart") {
  const auto invite = SipText{.method = "INVITE"}.request();
  const auto options = SipText{.method = "OPTIONS"}.request();
  CHECK(Chain("noting { drops INVITE }").from_client(invite).fate == Fate::dropped);
  CHECK(Chain("noting { drops INVITE }").from_client(options).fate == Fate::forwarded);
  CHECK(Chain("noting { refuses }").from_client(options).fate == Fate::refused);
  Chain chain({.handlers = "noting", .match = "not_invite"});
  CHECK(chain.from_client(invite).fate == Fate::unmatched);
  CHECK(chain.from_client(options).fate == Fate::forwarded);
  CHECK(Chain("noting { replies }").from_client("\r\n\r\n").fate == Fate::forwarded);
  Chain outbound("noting { drops 486 }");
  CHECK(outbound.from_client(invite).fate == Fate::forwarded);
  const auto refused = outbound.from_upstream(SipText{.method = "INVITE"}.response(486));
  CHECK(refused.fate == Fate::dropped);
  CHECK(refused.sent.empty());
}

TEST_CASE("an answer of ours is a whole message, and its ACK reaches no handler") {
  Chain chain("noting { replies }");
  SipText invite{.method = "INVITE"};
  const auto outcome = chain.from_client(invite.request());
  CHECK(outcome.fate == Fate::consumed);
  CHECK(outcome.status() == 403);
  CHECK(outcome.header("warning") == "none");
  CHECK_THAT(outcome.header("Via"), Contains("received=192.0.2.10"));
  REQUIRE(chain.worker().replies.size() == 1);
  CHECK(chain.worker().replies[0].reason == "Forbidden");

  const auto to = outcome.header("To");
  invite.method = "ACK";
  invite.to_tag = to.substr(to.find(";tag=") + 5);
  words(chain);
  CHECK(chain.from_client(invite.request()).fate == Fate::acknowledged);
  CHECK(words(chain).empty());
}

TEST_CASE("each client gets the answer to its own request") {
  Chain chain("noting");
  const SipText first{.branch = "z9hG4bK1", .call_id = "1"}, second{.branch = "z9hG4bK2", .call_id = "2"};
  chain.from_client(first.request(), Chain::client("192.0.2.1:5060"));
  chain.from_client(second.request(), Chain::client("192.0.2.2:5060"));
  chain.from_upstream(first.response(200));
  chain.from_upstream(second.response(200));
  REQUIRE(chain.worker().sent.size() == 2);
  CHECK(chain.worker().sent[0].to.remote.to_string() == "192.0.2.1:5060");
  CHECK(chain.worker().sent[1].to.remote.to_string() == "192.0.2.2:5060");
}

TEST_CASE("mistakes are told with the lines of the text that was given") {
  CHECK_THAT(Chain::problems("noting a\nnoting {\n  drop x\n}"),
             Contains("Sipfile:3:3: unknown option 'drop' in noting"));
  CHECK_THAT(Chain::problems("nothing"), Contains("no module offers handler 'nothing'"));
  CHECK_THAT(Chain::problems("noting"), Contains("warning: nobody is a poor name"));
  CHECK(Chain::problems("noting a").empty());
  CHECK(Chain::problems("noting poor").empty());
  CHECK_THROWS_WITH(Chain("noting {"), Contains("Sipfile:1:"));
  CHECK_THROWS_WITH(Chain("noting poor"), "poor can't be provisioned");
}

TEST_CASE("a stream's fault is told, and time moves when it is told to") {
  Chain chain("noting a");
  chain.stream_fault("head_timeout");
  CHECK(words(chain) == Words{"a head_timeout"});
  const auto before = chain.worker().now();
  chain.advance(90s);
  CHECK(chain.worker().now() - before == 90s);
}

TEST_CASE("tasks posted to workers and to their event loops run, also those that these post") {
  FakeHost host(2);
  Words order;
  host.workers.post(1, [&](Worker& worker) {
    order.push_back("task " + std::to_string(worker.index()));
    boost::asio::post(worker.io(), [&] {
      order.push_back("loop");
      host.workers.post(0, [&](Worker& other) { order.push_back("task " + std::to_string(other.index())); });
    });
  });
  CHECK(order.empty());
  host.workers.run();
  CHECK(order == Words{"task 1", "loop", "task 0"});
}

TEST_CASE("a port that a handler opens keeps what is sent and delivers what the test gives it") {
  const FakeClock clock;
  FakeWorker worker(clock);
  std::string received;
  const auto upstream = *Endpoint::parse("198.51.100.1:5060");
  auto port =
      worker.open_udp({}, &upstream, [&](const Endpoint&, std::string_view octets) { received = octets; });
  REQUIRE(port);
  REQUIRE(worker.ports.size() == 1);
  port->send("hello");
  worker.ports[0]->receive(upstream, "well");
  CHECK(received == "well");
  CHECK(worker.ports[0]->remote == upstream);
  CHECK(worker.ports[0]->local == port->local());
  CHECK(port->local().port != 0);
  REQUIRE(worker.ports[0]->sent.size() == 1);
  CHECK(worker.ports[0]->sent[0].octets == "hello");
  port.reset();
  CHECK_FALSE(worker.ports[0]->open);
  worker.refuses_ports = true;
  CHECK(worker.open_udp({}, nullptr, {}) == nullptr);
}
