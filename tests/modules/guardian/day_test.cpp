#include <algorithm>

#include "guardian_harness.hpp"
#include "office_day.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;
using guardian::Tally;

namespace {

// Every rule of the README's complete example.
constexpr auto kAllRules =
    "sip_guardian {\n"
    "max_failures 5\nfind_time 10m\nban_time 1h\n"
    "rate_limit {\nregister 10/s burst 20\ninvite 5/s burst 10\noptions 20/s burst 50\n}\n"
    "enumeration {\nmax_extensions 20\nextension_window 5m\nsequential_threshold 5\nrapid_fire_count 10\n"
    "rapid_fire_window 30s\nban_time 2h\nexempt_extensions 100 200 9999\n}\n"
    "validation {\nenabled true\nmode strict\nmax_message_size 65535\nban_on_null_bytes true\n"
    "ban_on_binary_injection true\n}\n"
    "}\n";

class Guarded final : public day::Wire {
 public:
  explicit Guarded(GuardianHarness& harness) : harness_(harness) {}
  void advance(std::chrono::milliseconds by) override { harness_.host.clock.advance(by); }
  bool to_pbx(const day::Flow& flow, const std::string& octets) override {
    return harness_.passes(peer(flow), octets);
  }
  bool to_phone(const day::Flow& flow, const std::string& octets) override {
    auto& worker = harness_.host.workers.at(0);
    const auto to = peer(flow);
    Packet packet(worker, Direction::outbound);
    packet.assign(to, octets);
    if (harness_.handler->on_outbound(packet) != Verdict::next) return false;
    worker.sources().outbound(packet.sip(), to, packet.transaction(), worker.now());
    harness_.host.workers.run();
    return true;
  }

 private:
  static Peer peer(const day::Flow& flow) {
    auto p = GuardianHarness::peer(flow.remote, flow.tcp ? Transport::tcp : Transport::udp);
    p.connection = flow.connection;
    return p;
  }
  GuardianHarness& harness_;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr auto kLength = 2h;  // they are slow
#else
constexpr auto kLength = 24h;
#endif

}  // namespace

TEST_CASE("a day of honest traffic with every rule on: nobody is banned, and nothing is dropped") {
  for (const std::uint32_t seed : {1U, 2U}) {
    GuardianHarness g(kAllRules);
    Guarded wire(g);
    const auto report = day::run(wire, {kLength, 0.01, seed});
    INFO(report.messages << " messages, " << report.registrations << " registrations, " << report.calls
                         << " calls, " << report.refused_passwords << " wrong passwords, " << report.lost
                         << " packets lost");
    const auto first = report.dropped.empty() ? std::string() : report.dropped.front();
    INFO("the first that was dropped: " << first);
    CHECK(report.dropped_in_all == 0);
    CHECK(g.instance->store().size() == 0);
    CHECK(g.total(Tally::bans) == 0);
    CHECK(g.total(Tally::soft_blocks) == 0);
    CHECK(g.total(Tally::blocked) == 0);
    // And it was a day.
    CHECK(report.messages > (kLength == 24h ? 500'000U : 30'000U));
    CHECK(report.registrations > (kLength == 24h ? 40'000U : 3'000U));
    CHECK(report.lost > 100);
    if (kLength == 24h) CHECK(report.calls > 2'000);
    if (kLength == 24h) CHECK(report.refused_passwords >= 6);
  }
}
