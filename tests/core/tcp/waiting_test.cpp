#include <catch2/catch.hpp>

#include "shop.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

namespace {

// An upstream that answers when the test says so.
struct SlowUpstream {
  struct Question {
    Peer peer;
    SipText text;
  };
  Journal journal;  // the Call-ID of each request that got through
  Shop shop;
  SlowUpstream() : shop(forwarding()) {}

  std::unique_ptr<Script> forwarding() {
    auto script = std::make_unique<Script>();
    script->inbound = [this](Packet& p) {
      p.begin_transaction();
      Question q{p.peer(), {}};
      q.text.method = std::string(p.sip().method_name());
      q.text.call_id = std::string(p.sip().call_id());
      q.text.branch = std::string(p.sip().via().branch);
      {
        const std::lock_guard lock(mutex_);
        questions_.push_back(q);
      }
      journal.note(q.text.call_id);
      return Verdict::consumed;
    };
    return script;
  }
  void answer(std::size_t n, int status) {
    const auto question = at(n);
    const auto more = question.text.method == "REGISTER" ? "Contact: <sip:a@192.0.2.9>;expires=60\r\n" : "";
    shop.site.run([&](Worker& worker) {
      const WorkerThread::Batch batch(static_cast<WorkerThread&>(worker));
      const auto octets = question.text.response(status, "pbx", more);
      Packet packet(worker, Direction::outbound);
      packet.assign(question.peer, octets);
      worker.deliver(packet);
    });
  }
  Question at(std::size_t n) {
    const std::lock_guard lock(mutex_);
    return questions_.at(n);
  }
  // How many got through, once nothing moves any more.
  std::size_t passed(std::size_t at_least) {
    auto words = journal.wait(at_least);
    for (int i = 0; i < 5; ++i) shop.site.settle();
    return journal.words().size();
  }
  std::uint64_t held() { return shop.site.counters.held.total(); }

 private:
  std::mutex mutex_;
  std::vector<Question> questions_;
};

std::string request(const std::string& id, const char* method = "OPTIONS") {
  SipText text;
  text.method = method;
  text.call_id = id;
  text.branch += id;
  return text.request();
}

std::string requests(int count, const std::string& name = "r", const char* method = "OPTIONS") {
  std::string octets;
  for (int i = 0; i < count; ++i) octets += request(name + std::to_string(i), method);
  return octets;
}

constexpr auto kStranger = Unanswered::kPerStranger;

}  // namespace

TEST_CASE("a stranger gets no more than eight requests through before answers come, and none is lost") {
  SlowUpstream pbx;
  auto client = pbx.shop.connect();
  client.send(requests(30));
  REQUIRE(pbx.passed(kStranger) == kStranger);
  CHECK(pbx.held() == 1);
  for (std::size_t i = 0; i < 30; ++i) {
    pbx.answer(i, 404);
    CHECK(pbx.passed(std::min<std::size_t>(30, kStranger + i + 1)) ==
          std::min<std::size_t>(30, kStranger + i + 1));
  }
  const auto words = pbx.journal.words();
  for (std::size_t i = 0; i < 30; ++i) CHECK(words[i] == "r" + std::to_string(i));
}

TEST_CASE("a 100 is no answer, a ringing phone is one") {
  SlowUpstream pbx;
  auto client = pbx.shop.connect();
  client.send(requests(9, "r", "INVITE"));
  REQUIRE(pbx.passed(kStranger) == kStranger);
  pbx.answer(0, 100);
  CHECK(pbx.passed(kStranger) == kStranger);
  pbx.answer(0, 180);
  CHECK(pbx.passed(kStranger + 1) == kStranger + 1);
}

TEST_CASE("all connections of a stranger wait together, and nobody else's") {
  SlowUpstream pbx;
  auto one = pbx.shop.connect(), two = pbx.shop.connect(), other = pbx.shop.connect("127.0.0.2");
  one.send(requests(8, "a"));
  REQUIRE(pbx.passed(8) == 8);
  two.send(request("b"));
  auto three = pbx.shop.connect();
  three.send(request("c"));
  CHECK(pbx.passed(8) == 8);
  other.send(request("d"));
  CHECK(pbx.passed(9) == 9);
  CHECK(pbx.journal.words().back() == "d");
  pbx.answer(0, 404);
  pbx.answer(1, 404);
  CHECK(pbx.passed(11) == 11);
}

TEST_CASE("a stranger that hangs up and calls again has nothing forgiven") {
  SlowUpstream pbx;
  {
    auto client = pbx.shop.connect();
    client.send(requests(7, "a"));
    REQUIRE(pbx.passed(7) == 7);
  }
  REQUIRE(pbx.shop.ends(StreamEnd::closed_by_peer));
  auto again = pbx.shop.connect();
  again.send(requests(3, "b"));
  CHECK(pbx.passed(8) == 8);
}

TEST_CASE("an upstream that hangs up is not held against the client") {
  SlowUpstream pbx;
  auto client = pbx.shop.connect();
  client.send(requests(8, "a"));
  REQUIRE(pbx.passed(8) == 8);
  const auto peer = pbx.at(0).peer;
  pbx.shop.site.run([&](Worker& worker) { worker.close(peer); });
  REQUIRE(pbx.shop.ends(StreamEnd::closed_by_us));
  auto again = pbx.shop.connect();
  again.send(request("b"));
  CHECK(pbx.passed(9) == 9);
}

TEST_CASE("whom the upstream let in may have 64 requests under way") {
  for (const auto* method : {"REGISTER", "INVITE", "SUBSCRIBE"}) {
    SlowUpstream pbx;
    auto client = pbx.shop.connect();
    client.send(request("first", method));
    REQUIRE(pbx.passed(1) == 1);
    pbx.answer(0, 200);
    client.send(requests(80));
    INFO(method);
    CHECK(pbx.passed(1 + Unanswered::kPerConnection) == 1 + Unanswered::kPerConnection);
  }
}

TEST_CASE("an answered OPTIONS lets nobody in") {
  SlowUpstream pbx;
  auto client = pbx.shop.connect();
  client.send(request("first"));
  REQUIRE(pbx.passed(1) == 1);
  pbx.answer(0, 200);
  client.send(requests(80));
  CHECK(pbx.passed(1 + kStranger) == 1 + kStranger);
}

TEST_CASE("a registration behind the address frees a stranger that waits") {
  SlowUpstream pbx;
  auto client = pbx.shop.connect();
  client.send(requests(20));
  REQUIRE(pbx.passed(kStranger) == kStranger);
  register_client(pbx.shop.site, "127.0.0.1", "alice");
  pbx.answer(0, 404);
  CHECK(pbx.passed(20) == 20);
}

TEST_CASE("a handler that answers at once is never waited for") {
  Journal journal;
  auto script = std::make_unique<Script>();
  script->inbound = [&](Packet& p) {
    p.begin_transaction();
    SipText text;
    text.call_id = std::string(p.sip().call_id());
    text.branch = std::string(p.sip().via().branch);
    const auto octets = text.response(404);
    Packet answer(p.worker(), Direction::outbound);
    answer.assign(p.peer(), octets);
    p.worker().deliver(answer);
    journal.note(text.call_id);
    return Verdict::consumed;
  };
  Shop shop(std::move(script));
  auto client = shop.connect();
  client.send(requests(100));
  CHECK(journal.wait(100).size() == 100);
  CHECK(shop.site.counters.held.total() == 0);
}
