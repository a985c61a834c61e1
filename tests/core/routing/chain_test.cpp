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
    server.routes.emplace_back().match = std::move(match);
    return server.routes.back();
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

TEST_CASE("the packet knows its route and how many handlers stand before the one that forwards") {
  Chain chain;
  chain.route({chain.set("no", Match::no)});
  auto& route = chain.route();
  chain.add(route, "a");
  chain.add(route, "b");
  chain.add(route, "c", Verdict::consumed);
  CHECK(chain.in() == ChainEnd::handled);
  CHECK(chain.packet.peer().route == 1);
  CHECK(chain.packet.peer().position == 2);
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

TEST_CASE("a way that the present configuration does not have leads nowhere, a shorter route's is cut") {
  Chain chain;
  chain.add(chain.route(), "a");
  Packet out(chain.worker, Direction::outbound);
  Peer peer;
  peer.route = 1;
  out.assign(peer, chain.octets);
  CHECK(run_outbound(chain.server, out) == ChainEnd::unmatched);
  peer.route = 0;
  peer.position = 200;
  out.assign(peer, chain.octets);
  CHECK(run_outbound(chain.server, out) == ChainEnd::handled);
  CHECK(chain.words == Words{"a.out"});
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
