#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "enumeration_stats.hpp"
#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;
using test::SipText;

namespace {

const Peer kUdp = GuardianHarness::peer("192.0.2.10:5060");
const Peer kTcp = GuardianHarness::peer("192.0.2.20:40000", Transport::tcp);

struct Listener final : EventSink {
  std::vector<EventPtr> heard;
  void take(const EventPtr& event) noexcept override { heard.push_back(event); }
};

// So that only enumeration can be what bans.
struct Scan : GuardianHarness {
  explicit Scan(const std::string& more = {})
      : GuardianHarness("sip_guardian { max_failures 100000;" + more + " }") {
    instance->events().subscribe(listener);
  }
  void wait(Duration time) { host.clock.advance(time); }

  SipText ask(const std::string& method, const std::string& user) {
    auto text = method == "REGISTER" ? register_as(user) : next(method);
    if (method != "REGISTER") text.uri = "sip:" + user + "@example.com";
    return text;
  }
  bool unknown(const Peer& from, const std::string& user, const std::string& method = "OPTIONS",
               int status = 404) {
    return exchange(from, ask(method, user), status);
  }
  // How many get to the PBX.
  int probe(const Peer& from, const std::vector<int>& users, const std::string& method = "OPTIONS",
            int status = 404, Duration apart = 1s) {
    int reached = 0;
    for (const int user : users) {
      wait(apart);
      if (unknown(from, std::to_string(user), method, status)) ++reached;
    }
    return reached;
  }
  std::string ban_reason() {
    const auto bans = instance->store().list({}).bans;
    return bans.empty() ? "none" : bans[0]->reason;
  }
  std::size_t detections(EventKind kind = EventKind::enumeration) const {
    return static_cast<std::size_t>(std::count_if(listener->heard.begin(), listener->heard.end(),
                                                  [&](const auto& event) { return event->kind == kind; }));
  }

  std::shared_ptr<Listener> listener = std::make_shared<Listener>();
};

std::vector<int> numbers(int first, int count, int step = 1) {
  std::vector<int> out;
  for (int i = 0; i < count; ++i) out.push_back(first + i * step);
  return out;
}
std::vector<int> shuffled(std::vector<int> list) {
  std::shuffle(list.begin(), list.end(), std::mt19937(7));
  return list;
}

}  // namespace

TEST_CASE("numbers in a row ban over TCP and soft-block over UDP, by any method and in any order") {
  auto up = numbers(100, 5);
  auto down = up;
  std::reverse(down.begin(), down.end());
  for (const auto& order : {up, down, shuffled(up)}) {
    for (const char* method : {"REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE"}) {
      INFO(method);
      Scan tcp;
      CHECK(tcp.probe(kTcp, order, method, 404, 20s) == 5);
      CHECK(tcp.ban_reason() == "sequential_pattern");
      CHECK(tcp.detections() == 1);
      CHECK(tcp.total(Tally::enumeration_detections) == 1);
      CHECK_FALSE(tcp.unknown(kTcp, "105", method));
      Scan udp;
      CHECK(udp.probe(kUdp, order, method, 404, 20s) == 5);
      CHECK(udp.soft_blocked(kUdp));
      CHECK_FALSE(udp.banned(kUdp));
      CHECK_FALSE(udp.unknown(kUdp, "105", method));
    }
  }
}

TEST_CASE("ten users in half a minute are rapid fire, twenty in five minutes too many, in any order") {
  for (const auto& order : {numbers(100, 30, 3), numbers(190, 30, -3), shuffled(numbers(100, 30, 3))}) {
    Scan fast;
    CHECK(fast.probe(kTcp, order, "OPTIONS", 404, 2s) == 10);
    CHECK(fast.ban_reason() == "rapid_fire");
    Scan slow;
    CHECK(slow.probe(kTcp, order, "OPTIONS", 404, 10s) == 20);
    CHECK(slow.ban_reason() == "count_threshold");
  }
}

TEST_CASE("an enumeration ban holds for its own time, and its event names no secret") {
  Scan g;
  g.probe(kTcp, numbers(100, 5));
  const auto ban = g.instance->store().list({}).bans.at(0);
  CHECK(ban->expires_at - ban->banned_at == 2h);
  CHECK(ban->evidence == Evidence::proven);
  const auto& heard = g.listener->heard;
  const auto event = std::find_if(heard.begin(), heard.end(),
                                  [](const auto& e) { return e->kind == EventKind::enumeration; });
  REQUIRE(event != heard.end());
  CHECK((*event)->reason == "sequential_pattern");
  CHECK((*event)->prefix.to_string() == "192.0.2.20");
  CHECK((*event)->details.find("100 to 104") != std::string::npos);
  CHECK_FALSE((*event)->shadow);
}

TEST_CASE("what the answer says decides whether a user was guessed") {
  struct Row {
    const char* method;
    int status;
    bool guess;
  };
  for (const auto& row :
       std::vector<Row>{{"REGISTER", 404, true},  {"REGISTER", 403, true}, {"REGISTER", 200, false},
                        {"REGISTER", 503, false}, {"INVITE", 404, true},   {"INVITE", 403, true},
                        {"INVITE", 484, true},    {"INVITE", 604, true},   {"INVITE", 488, true},
                        {"INVITE", 480, false},   {"INVITE", 486, false},  {"INVITE", 487, false},
                        {"INVITE", 500, false},   {"INVITE", 603, false},  {"OPTIONS", 404, true},
                        {"OPTIONS", 200, false},  {"OPTIONS", 408, false}, {"SUBSCRIBE", 489, false},
                        {"MESSAGE", 405, false},  {"PUBLISH", 404, false}}) {
    INFO(row.method << ' ' << row.status);
    Scan g;
    g.probe(kTcp, numbers(100, 8), row.method, row.status);
    CHECK(g.banned(kTcp) == row.guess);
  }
}

TEST_CASE("a challenge that is left open for 5 s is a guess; one that is answered is none") {
  for (const char* method : {"REGISTER", "INVITE"}) {
    Scan g;
    for (const int user : numbers(100, 5))
      g.exchange(kTcp, g.ask(method, std::to_string(user)), 401, g.challenge("n"));
    g.wait(4s);
    CHECK(g.passes(kTcp, g.next().request()));
    CHECK_FALSE(g.banned(kTcp));
    g.wait(1s);
    CHECK_FALSE(g.passes(kTcp, g.next().request()));
    CHECK(g.ban_reason() == "sequential_pattern");
  }
  Scan bad;  // credentials for nothing that was ever sent there don't answer
  for (const int user : numbers(100, 5)) {
    auto text = bad.register_as(std::to_string(user));
    text.extra += GuardianHarness::credentials(std::to_string(user), "made up");
    bad.exchange(kTcp, text, 401, GuardianHarness::challenge("n" + std::to_string(user)));
  }
  bad.wait(5s);
  bad.passes(kTcp, bad.next().request());
  CHECK(bad.ban_reason() == "sequential_pattern");
}

TEST_CASE("over UDP a challenge left open soft-blocks, and the ACK to it proves and bans") {
  Scan g;
  for (const int user : numbers(100, 5))
    g.exchange(kUdp, g.register_as(std::to_string(user)), 401, g.challenge("n"));
  g.wait(5s);
  g.passes(kUdp, g.next().request());
  CHECK(g.soft_blocked(kUdp));
  CHECK_FALSE(g.banned(kUdp));
  for (const int status : {407, 404}) {
    Scan h;
    for (const int user : numbers(100, 5)) {
      auto invite = h.ask("INVITE", std::to_string(user));
      if (!h.exchange(kUdp, invite, status, "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"))
        continue;
      invite.method = "ACK";
      invite.to_tag = "pbxtag";
      CHECK(h.passes(kUdp, invite.request()));
    }
    h.wait(5s);
    h.passes(kUdp, h.next().request());
    CHECK(h.banned(kUdp));
    CHECK(h.instance->store().list({}).bans.at(0)->proof == Proof::to_tag);
  }
}

TEST_CASE("an office of phones 101 to 140 registers again and again, after a power cut all at once") {
  Scan g;
  for (int round = 0; round < 20; ++round) {
    for (int user = 101; user <= 140; ++user) {
      const auto phone = GuardianHarness::peer("198.51.100.7:" + std::to_string(6000 + user));
      CHECK(g.log_in(phone, std::to_string(user), 200));
    }
    g.wait(round % 4 == 3 ? 2h : 60s);
  }
  CHECK(g.detections() == 0);
  CHECK_FALSE(g.banned(GuardianHarness::peer("198.51.100.7:6101")));
  CHECK_FALSE(g.soft_blocked(GuardianHarness::peer("198.51.100.7:6101")));
}

TEST_CASE("challenges that the phones of an office answer late are no guesses") {
  Scan g;
  for (int user = 101; user <= 140; ++user) {
    const auto text = g.register_as(std::to_string(user));
    CHECK(g.exchange(kTcp, text, 401, GuardianHarness::challenge("n" + std::to_string(user))));
  }
  g.wait(4s);
  for (int user = 101; user <= 140; ++user) {
    auto text = g.register_as(std::to_string(user));
    text.extra += GuardianHarness::credentials(std::to_string(user), "n" + std::to_string(user));
    CHECK(g.passes(kTcp, text.request()));  // and the PBX takes its time
  }
  g.wait(60s);
  CHECK(g.passes(kTcp, g.next().request()));
  CHECK(g.detections() == 0);
}

TEST_CASE("a registered phone misdials numbers in a row") {
  for (const auto& peer : {kUdp, kTcp}) {
    Scan g;
    CHECK(g.log_in(peer, "alice", 200));
    for (int user = 100; user < 200; ++user) {
      auto invite = g.ask("INVITE", std::to_string(user));
      CHECK(g.exchange(peer, invite, 404));
      invite.method = "ACK";
      invite.to_tag = "pbxtag";
      CHECK(g.passes(peer, invite.request()));
    }
    CHECK(g.detections() == 0);
  }
}

TEST_CASE("a registered phone watches numbers in a row and is asked for its password each time") {
  Scan g;
  CHECK(g.log_in(kTcp, "alice", 200));
  for (int user = 100; user < 130; ++user)
    CHECK(g.exchange(kTcp, g.ask("SUBSCRIBE", std::to_string(user)), 401));
  g.wait(40s);
  CHECK(g.passes(kTcp, g.next().request()));
  CHECK(g.detections() == 0);
}

TEST_CASE("one good account does not hide guesses of others") {
  Scan g;
  CHECK(g.log_in(kTcp, "mallory", 200));
  int reached = 0;
  for (const int user : shuffled(numbers(100, 50))) {
    g.wait(1s);
    if (!g.unknown(kTcp, std::to_string(user), "REGISTER")) break;
    ++reached;
    if (!g.log_in(kTcp, "mallory", 200)) break;
  }
  CHECK(reached <= 10);
  CHECK(g.ban_scope(kTcp) == "address");
}

TEST_CASE("who asks for numbers in a row behind an office is stopped at his own port") {
  Scan g;
  const auto phone = GuardianHarness::peer("192.0.2.20:6000");
  CHECK(g.log_in(phone, "500", 200));
  g.probe(kTcp, numbers(100, 5));
  CHECK(g.ban_scope(kTcp) == "flow");
  CHECK(g.log_in(phone, "500", 200));
}

TEST_CASE("one caller after the other is a guess too, for Asterisk knows phones by From") {
  Scan g;
  for (int user = 100; user < 110; ++user) {
    auto invite = g.ask("INVITE", "9000");
    invite.from = "<sip:" + std::to_string(user) + "@example.com>";
    g.exchange(kTcp, invite, 403);
  }
  CHECK(g.ban_reason() == "sequential_pattern");
}

TEST_CASE("exempt users don't count, however they are written") {
  Scan g("enumeration { exempt_extensions 100 101 102 103 104 Operator }");
  g.probe(kTcp, numbers(100, 5));
  for (const char* user : {"0100", "+101", "%31%30%32", "operator", "OPERATOR"}) CHECK(g.unknown(kTcp, user));
  CHECK(g.detections() == 0);
  g.probe(kTcp, numbers(105, 5));
  CHECK(g.ban_reason() == "sequential_pattern");
}

TEST_CASE("in shadow it is counted and told, and nobody is held") {
  for (const char* how : {"enumeration { shadow }", "mode shadow"}) {
    Scan g(how);
    CHECK(g.probe(kTcp, numbers(100, 8)) == 8);
    CHECK(g.probe(kUdp, numbers(100, 8)) == 8);
    CHECK(g.detections() == 2);
    CHECK(g.listener->heard.at(0)->shadow);
    CHECK_FALSE(g.banned(kTcp));
    CHECK_FALSE(g.soft_blocked(kUdp));
  }
  Scan off("enumeration off");
  CHECK(off.probe(kTcp, numbers(100, 50)) == 50);
  CHECK(off.detections() == 0);
}

TEST_CASE("random agents, tags and Call-IDs make no difference") {
  Scan g;
  int reached = 0;
  for (const int user : numbers(100, 10)) {
    auto text = g.ask("REGISTER", std::to_string(user));
    text.extra += "User-Agent: " + std::to_string(user * 7919) + "/x\r\n";
    text.from_tag = "t" + std::to_string(user * 104729);
    if (g.exchange(kTcp, text, 404)) ++reached;
  }
  CHECK(reached == 5);
}

TEST_CASE("To says nothing about whom a request asks for") {
  Scan g;
  for (const int user : numbers(100, 5)) {
    auto text = g.ask("INVITE", std::to_string(user));
    text.to = "<sip:reception@example.com>";
    g.exchange(kTcp, text, 404);
  }
  CHECK(g.ban_reason() == "sequential_pattern");
}

TEST_CASE("one new user every 35 s, for hours, bans over TCP and blocks over UDP") {
  const auto scan = shuffled(numbers(1000, 200, 3));  // ends before a ban does
  Scan tcp;
  const int reached = tcp.probe(kTcp, scan, "REGISTER", 404, 35s);
  CHECK(reached >= 30);
  CHECK(reached <= 60);
  CHECK(tcp.ban_reason() == "count_threshold");
  Scan udp;
  CHECK(udp.probe(kUdp, scan, "REGISTER", 404, 35s) < 150);
  CHECK(udp.detections() > 0);
  CHECK_FALSE(udp.banned(kUdp));
}

TEST_CASE("eight neighbours who share a scan are banned as a network") {
  for (const char* address : {"192.0.2.", "[2001:db8:7:"}) {
    const bool v4 = address[0] != '[';
    const auto member = [&](int i) {
      return GuardianHarness::peer(
          v4 ? address + std::to_string(10 + i) + ":40000" : address + std::to_string(10 + i) + "::5]:40000",
          Transport::tcp);
    };
    const auto scan = [&](Scan& g) {
      int reached = 0;
      const auto users = shuffled(numbers(1000, 200, 3));
      for (std::size_t i = 0; i < users.size(); ++i) {
        g.wait(35s);
        reached += g.unknown(member(static_cast<int>(i % 8)), std::to_string(users[i]), "REGISTER");
      }
      return reached;
    };
    Scan g;
    const int reached = scan(g);
    CHECK(reached >= 45);
    CHECK(reached <= 80);
    CHECK(g.ban_scope(member(0)) == "network");
    CHECK(g.banned(member(100)));
    CHECK(g.ban_reason() == "count_threshold");

    Scan office;  // where somebody lives they are banned one by one
    CHECK(office.log_in(member(200), "500", 200));
    CHECK(scan(office) <= 100);
    CHECK(office.ban_scope(member(0)) == "address");
    CHECK(office.banned(member(7)));
    CHECK(office.log_in(member(200), "500", 200));

    Scan listed;
    listed.instance->whitelist("x", {*Cidr::parse(v4 ? "192.0.2.99" : "2001:db8:7:99::/64")});
    scan(listed);
    CHECK(listed.ban_scope(member(0)) == "address");
  }
}

TEST_CASE("neighbours that may be forged are only soft-blocked, and help to ban nobody") {
  Scan g;
  const auto users = shuffled(numbers(1000, 400, 3));
  for (std::size_t i = 0; i < users.size(); ++i) {
    g.wait(35s);
    g.unknown(GuardianHarness::peer("192.0.2." + std::to_string(10 + i % 8) + ":5060"),
              std::to_string(users[i]), "REGISTER");
  }
  CHECK(g.detections() > 0);
  CHECK(g.instance->store().size() == 0);
  CHECK(g.unknown(GuardianHarness::peer("192.0.2.50:40000", Transport::tcp), "4711"));
  CHECK_FALSE(g.banned(GuardianHarness::peer("192.0.2.50:40000", Transport::tcp)));
}

TEST_CASE("a disguised forger bans nobody in whose name he asks") {
  Scan g;
  CHECK(g.log_in(kUdp, "alice", 200));
  g.probe(kUdp, numbers(100, 200), "OPTIONS");
  CHECK_FALSE(g.soft_blocked(kUdp));
  CHECK_FALSE(g.banned(kUdp));
}

TEST_CASE("an unban forgets what was asked for") {
  Scan g;
  g.probe(kTcp, numbers(100, 5));
  CHECK(g.banned(kTcp));
  CHECK(g.instance->unban({kTcp.remote.address, 32}));
  g.host.workers.run();
  CHECK(g.probe(kTcp, numbers(105, 4)) == 4);
  CHECK_FALSE(g.banned(kTcp));
}

TEST_CASE("stats name the worst, by evidence") {
  Scan g;
  g.probe(kUdp, numbers(100, 5));
  g.probe(kTcp, numbers(200, 5));
  const auto stats = enumeration_stats(*g.instance);
  CHECK(stats.at("detections").at("sequential_pattern") == 2);
  CHECK(stats.at("total") == 2);
  CHECK(stats.at("tracked_ips") == 2);
  const auto& top = stats.at("top").as_array();
  REQUIRE(top.size() == 2);
  CHECK(top[0].at("ip") == "192.0.2.20");
  CHECK(top[0].at("evidence") == "proven");
  CHECK(top[1].at("evidence") == "unproven");
  CHECK(g.host.metrics.collect().size() > 0);
}

TEST_CASE("the list of the worst is bounded, and forgers push out nobody who is proven") {
  Offenders offenders;
  offenders.note({Address::v4(1), Reason::rapid_fire, true, 1, 10, {}});
  for (std::uint32_t i = 2; i < 5'000; ++i) {
    offenders.note({Address::v4(i), Reason::rapid_fire, false, 1, 10, WallTime{} + std::chrono::seconds(i)});
  }
  const auto worst = offenders.worst();
  CHECK(worst.size() == Offenders::kKept);
  CHECK(worst[0].host == Address::v4(1));
}
