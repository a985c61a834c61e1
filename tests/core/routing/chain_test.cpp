#include "routing/chain.hpp"

#include <catch2/catch.hpp>

#include "runtime/own_reply.hpp"
#include "sipward/packet.hpp"
#include "sipward/testing/fake_host.hpp"
#include "sipward/testing/sip_text.hpp"

using namespace sipward;
using namespace sipward::test;

namespace {

using Words = std::vector<std::string>;

// Writes down each of its calls, as "NAME.hook".
class Noting final : public Handler {
 public:
  Noting(Words& words, std::string name, Verdict in = Verdict::next, Verdict out = Verdict::next,
         Verdict admit = Verdict::next)
      : words_(words), name_(std::move(name)), in_(in), out_(out), admit_(admit) {}
  Verdict on_admit(Worker&, const Source&) const override { return note("admit", admit_); }
  Verdict on_inbound(Packet&) const override { return note("in", in_); }
  Verdict on_outbound(Packet&) const override { return note("out", out_); }
  void on_stream_fault(Worker&, const Source&, std::string_view fault) const override {
    note(fault, Verdict::next);
  }

 private:
  Verdict note(std::string_view hook, Verdict verdict) const {
    words_.push_back(name_ + "." + std::string(hook));
    return verdict;
  }
  Words& words_;
  std::string name_;
  Verdict in_, out_, admit_;
};

class Answering final : public Matcher {
 public:
  Answering(Words& words, std::string name, Match match, bool admits = true)
      : words_(words), name_(std::move(name)), match_(match), admits_(admits) {}
  Match match(Packet&) const override {
    words_.push_back(name_);
    return match_;
  }
  bool admits(const Source&) const override { return admits_; }

 private:
  Words& words_;
  std::string name_;
  Match match_;
  bool admits_;
};

struct Chain {
  FakeClock clock;
  FakeWorker worker{0, 1, clock};
  RouteServer server;
  Words words;
  std::string octets = SipText().request();
  Packet packet{worker, Direction::inbound};

  const MatcherSet* set(std::vector<std::unique_ptr<Matcher>> matchers) {
    server.sets.push_back(std::make_unique<MatcherSet>(std::move(matchers)));
    return server.sets.back().get();
  }
  const MatcherSet* set(std::string name, Match match, bool admits = true) {
    std::vector<std::unique_ptr<Matcher>> one;
    one.push_back(std::make_unique<Answering>(words, std::move(name), match, admits));
    return set(std::move(one));
  }
  Route& route(std::vector<const MatcherSet*> match = {}) {
    auto& made = server.routes.emplace_back();
    made.id = static_cast<RouteId>(100 + server.routes.size());
    made.match = std::move(match);
    return made;
  }
  void add(Route& route, std::string name, Verdict in = Verdict::next, Verdict out = Verdict::next,
           Verdict admit = Verdict::next) {
    route.handlers.push_back(std::make_unique<Noting>(words, std::move(name), in, out, admit));
  }
  ChainEnd in() {
    Peer peer;
    peer.remote = *Endpoint::parse("198.51.100.7:5060");
    packet.assign(peer, octets);
    return run_inbound(server, packet);
  }
};

}  // namespace

TEST_CASE("handlers run in order until one ends the chain") {
  struct Case {
    Verdict second;
    ChainEnd end;
    Words words;
  };
  const Words admitted{"a.admit", "b.admit", "c.admit", "a.in", "b.in"};
  for (const auto& c :
       {Case{Verdict::consumed, ChainEnd::handled, admitted},
        Case{Verdict::drop, ChainEnd::dropped, admitted}, Case{Verdict::next, ChainEnd::unhandled, [&] {
                                                                 auto all = admitted;
                                                                 all.push_back("c.in");
                                                                 return all;
                                                               }()}}) {
    Chain chain;
    auto& route = chain.route();
    chain.add(route, "a");
    chain.add(route, "b", c.second);
    chain.add(route, "c");
    CHECK(chain.in() == c.end);
    CHECK(chain.words == c.words);
  }
}

TEST_CASE("the packet knows its route and the handler that forwards") {
  Chain chain;
  chain.route({chain.set("no", Match::no)});
  auto& route = chain.route();
  chain.add(route, "a");
  chain.add(route, "b");
  chain.add(route, "c", Verdict::consumed);
  CHECK(chain.in() == ChainEnd::handled);
  CHECK(chain.packet.peer().route == 102);
  CHECK(chain.packet.peer().handler == route.name(2));
}

TEST_CASE("the matchers of a set are all asked in order until one says no, sets until one says yes") {
  Chain chain;
  std::vector<std::unique_ptr<Matcher>> both;
  both.push_back(std::make_unique<Answering>(chain.words, "yes", Match::yes));
  both.push_back(std::make_unique<Answering>(chain.words, "no", Match::no));
  both.push_back(std::make_unique<Answering>(chain.words, "never", Match::yes));
  const auto* anded = chain.set(std::move(both));
  const auto* more = chain.set("more", Match::need_more);
  const auto* taken = chain.set("taken", Match::yes);
  const auto* never = chain.set("never", Match::yes);
  chain.add(chain.route({anded, more}), "first");
  chain.add(chain.route({anded, taken, never}), "second", Verdict::consumed);
  CHECK(chain.in() == ChainEnd::handled);
  CHECK(chain.words ==
        Words{"first.admit", "yes", "no", "more", "second.admit", "yes", "no", "taken", "second.in"});
}

TEST_CASE("what no route takes is unmatched") {
  Chain chain;
  CHECK(chain.in() == ChainEnd::unmatched);
  chain.add(chain.route({chain.set("no", Match::no)}), "a");
  CHECK(chain.in() == ChainEnd::unmatched);
}

TEST_CASE("a route admits only while it can match") {
  Chain chain;
  chain.add(chain.route({chain.set("far", Match::no, false)}), "far", Verdict::next, Verdict::next,
            Verdict::drop);
  chain.add(chain.route({chain.set("far2", Match::no, false), chain.set("near", Match::yes)}), "near",
            Verdict::consumed);
  chain.add(chain.route(), "later", Verdict::next, Verdict::next, Verdict::drop);
  CHECK(chain.in() == ChainEnd::handled);
  for (const auto& word : chain.words)
    CHECK((word.find("far.") == word.npos && word.find("later.") == word.npos));
}

TEST_CASE("a source that is not admitted is not read") {
  Chain chain;
  auto& route = chain.route({chain.set("matcher", Match::yes)});
  chain.add(route, "a");
  chain.add(route, "b", Verdict::next, Verdict::next, Verdict::consumed);
  chain.add(route, "c");
  CHECK(chain.in() == ChainEnd::refused);
  CHECK(chain.words == Words{"a.admit", "b.admit"});
}

TEST_CASE("the ACK to an answer of ours goes no further than the matchers, another's does") {
  Chain chain;
  chain.add(chain.route(), "a", Verdict::consumed);
  SipText text;
  text.method = "INVITE";
  sip::Message invite;
  const auto request = text.request();
  invite.parse(request, sip::Framing::datagram);
  const auto tag = own_reply_tag(chain.worker.sources().key(), invite);
  text.method = "ACK";
  text.to_tag = tag.text();
  chain.octets = text.request();
  CHECK(chain.in() == ChainEnd::own_ack);
  CHECK(chain.words == Words{"a.admit"});
  for (const auto change : {0, 1, 2, 3, 4}) {
    INFO(change);
    auto other = text;
    if (change == 0) other.to_tag.back() = other.to_tag.back() == '0' ? '1' : '0';
    if (change == 1) other.call_id += "x";
    if (change == 2) other.branch += "x";
    if (change == 3) other.from_tag += "x";
    if (change == 4) other.method = "BYE";
    chain.octets = other.request();
    CHECK(chain.in() == ChainEnd::handled);
  }
}

TEST_CASE("what goes to the client passes the handlers before the forwarder, in reverse") {
  Chain chain;
  auto& route = chain.route();
  chain.add(route, "a");
  chain.add(route, "b");
  chain.add(route, "proxy", Verdict::consumed);
  chain.add(route, "behind");
  REQUIRE(chain.in() == ChainEnd::handled);
  const auto peer = chain.packet.peer();
  chain.words.clear();
  Packet out(chain.worker, Direction::outbound);
  const auto answer = SipText().response(200);
  out.assign(peer, answer);
  CHECK(run_outbound(chain.server, out) == ChainEnd::handled);
  CHECK(chain.words == Words{"b.out", "a.out"});
}

TEST_CASE("an outbound packet stops at the handler that wants it") {
  for (const auto& [verdict, end] :
       {std::pair{Verdict::drop, ChainEnd::dropped}, {Verdict::consumed, ChainEnd::unhandled}}) {
    Chain chain;
    auto& route = chain.route();
    chain.add(route, "a");
    chain.add(route, "b", Verdict::next, verdict);
    chain.add(route, "c", Verdict::consumed);
    REQUIRE(chain.in() == ChainEnd::handled);
    chain.words.clear();
    Packet out(chain.worker, Direction::outbound);
    const auto answer = SipText().response(200);
    out.assign(chain.packet.peer(), answer);
    CHECK(run_outbound(chain.server, out) == end);
    CHECK(chain.words == Words{"b.out"});
  }
}

namespace {

// What an answer meets in `after`, when its request went through the last route of `before` (a reload lies
// between).
std::pair<ChainEnd, Words> answered_after(Chain& before, Chain& after) {
  REQUIRE(before.in() == ChainEnd::handled);
  after.words.clear();
  Packet out(after.worker, Direction::outbound);
  const auto answer = SipText().response(200);
  out.assign(before.packet.peer(), answer);
  const auto end = run_outbound(after.server, out);
  return {end, after.words};
}

void name(Route& route, RouteId id, std::vector<HandlerId> names) {
  route.id = id;
  route.names = std::move(names);
}

constexpr HandlerId kGuard = 7, kHide = 8, kProxy = 9;

// One route @phones: guard, then proxy.
struct Before : Chain {
  Before() {
    auto& phones = route();
    add(phones, "guard");
    add(phones, "proxy", Verdict::consumed);
    name(phones, 55, {kGuard, kProxy});
  }
};

}  // namespace

TEST_CASE("an answer finds the route of its request although a reload has moved and changed it") {
  Before before;
  Chain after;
  auto& first = after.route();
  after.add(first, "other");
  name(first, 66, {kGuard});
  auto& phones = after.route();
  after.add(phones, "hide");
  after.add(phones, "guard");
  after.add(phones, "proxy", Verdict::consumed);
  name(phones, 55, {kHide, kGuard, kProxy});
  CHECK(answered_after(before, after) == std::pair{ChainEnd::handled, Words{"guard.out", "hide.out"}});
}

TEST_CASE("an answer whose route is gone passes the one that takes its client now, or none") {
  Before before;
  Chain after;
  after.add(after.route({after.set("no", Match::no)}), "wrong");
  after.add(after.route({after.set("never", Match::yes, false)}), "far");
  auto& taker = after.route({after.set("yes", Match::yes)});
  after.add(taker, "hide");
  after.add(taker, "proxy", Verdict::consumed);
  name(taker, 77, {kHide, kProxy});
  CHECK(answered_after(before, after) == std::pair{ChainEnd::handled, Words{"no", "yes", "hide.out"}});
  Before again;
  Chain none;
  none.add(none.route({none.set("no", Match::no)}), "wrong");
  CHECK(answered_after(again, none) == std::pair{ChainEnd::unmatched, Words{"no"}});
}

TEST_CASE("an answer whose forwarder is gone passes all that stand before the handler that ends the chain") {
  class Ending final : public Handler {
   public:
    bool terminal() const override { return true; }
  };
  Before before;
  Chain after;
  auto& phones = after.route();
  after.add(phones, "guard");
  phones.handlers.push_back(std::make_unique<Ending>());
  name(phones, 55, {kGuard, 33});
  CHECK(answered_after(before, after) == std::pair{ChainEnd::handled, Words{"guard.out"}});
  Before again;
  Chain open;
  auto& endless = open.route();
  open.add(endless, "guard");
  open.add(endless, "hide");
  name(endless, 55, {kGuard, kHide});
  CHECK(answered_after(again, open) == std::pair{ChainEnd::handled, Words{"hide.out", "guard.out"}});
}

TEST_CASE("a connection goes on when every route that can match admits it, and one can") {
  Chain chain;
  const Source source{*Endpoint::parse("198.51.100.7:5060"), {}, Transport::tcp};
  CHECK_FALSE(admit(chain.server, chain.worker, source));
  chain.add(chain.route({chain.set("far", Match::no, false)}), "far", Verdict::next, Verdict::next,
            Verdict::drop);
  CHECK_FALSE(admit(chain.server, chain.worker, source));
  chain.add(chain.route(), "a");
  CHECK(admit(chain.server, chain.worker, source));
  chain.add(chain.route(), "b", Verdict::next, Verdict::next, Verdict::drop);
  CHECK_FALSE(admit(chain.server, chain.worker, source));
}

TEST_CASE("the first route that can match hears of a stream's fault") {
  Chain chain;
  chain.add(chain.route({chain.set("far", Match::no, false)}), "far");
  auto& route = chain.route();
  chain.add(route, "a");
  chain.add(route, "b");
  chain.add(chain.route(), "later");
  tell_fault(chain.server, chain.worker, {}, "not_sip");
  CHECK(chain.words == Words{"a.not_sip", "b.not_sip"});
}
