// Paced SIP over UDP from many loopback addresses through a server to a PBX of its own that answers 200.
// Reports the share that came back, round trips, and what the server's processor time per request and
// reply was while the load ran.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "cpu_time.hpp"
#include "flags.hpp"
#include "phones.hpp"
#include "uas.hpp"

namespace sipward::bench {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

constexpr double kMostRequests = 8'000'000;
constexpr double kMostRateUnpaced = 1'000'000;
constexpr auto kDrain = 1s;  // what replies may take after the last request

struct Result {
  PhoneCounts phones;
  std::uint64_t at_uas = 0;
  Seconds sending{};
  Seconds cpu{};
  std::vector<std::chrono::nanoseconds> round_trips;
};

struct Options {
  double rate;
  Seconds time;
  Answers answers;
  std::vector<Method> mix;
  std::size_t sources;
  std::uint16_t source_port;
  pid_t pid;  // 0: no server's time is asked for
};

std::vector<Method> parse_mix(const std::string& text) {
  std::vector<Method> mix;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    const std::string name = text.substr(start, end - start);
    if (name == "options") {
      mix.push_back(Method::options);
    } else if (name == "register") {
      mix.push_back(Method::register_user);
    } else if (name == "invite") {
      mix.push_back(Method::invite);
    } else {
      throw UsageError("--mix has \"" + name + "\"; expected options, register or invite, split by commas");
    }
    start = end + 1;
  }
  return mix;
}

Options read_options(const Flags& flags) {
  Options options{.rate = flags.real("--rate", 0, 1e6),
                  .time = Seconds(flags.real("--seconds", 0.1, 600)),
                  .answers = flags.has("--no-reply") ? Answers::none : Answers::ok,
                  .mix = parse_mix(flags.text("--mix")),
                  .sources = static_cast<std::size_t>(flags.integer("--sources", 1, 60'000)),
                  .source_port = static_cast<std::uint16_t>(flags.integer("--source-port", 0, 65'535)),
                  .pid = static_cast<pid_t>(flags.integer("--pid", 0, 1 << 22))};
  if (options.rate * options.time.count() > kMostRequests) {
    throw UsageError("--rate times --seconds is above 8000000 requests");
  }
  // Standard streams, the UAS, epoll and /proc take a few descriptors too.
  if (options.sources + 32 > raise_open_files()) {
    throw UsageError("--sources is above the system's limit of open files");
  }
  return options;
}

std::uint64_t finished(const PhoneCounts& counts, const Uas& uas, Answers answers) {
  return answers == Answers::ok ? counts.replies : uas.requests();
}

Result measure(const Options& options, const sockaddr_in& target, const sockaddr_in& uas_address) {
  Uas uas(uas_address, options.answers);
  const double rate = options.rate > 0 ? options.rate : kMostRateUnpaced;
  const double requests = std::clamp(rate * options.time.count() + 1, 1.0, kMostRequests);
  Phones phones(target, {.count = options.sources, .port = options.source_port},
                static_cast<std::size_t>(requests));
  const auto cpu = [&] { return options.pid > 0 ? cpu_time_of(options.pid) : 0ns; };

  Result result;
  const auto before = cpu();
  result.sending = phones.send(options.rate, options.time, options.mix);
  const auto deadline = std::chrono::steady_clock::now() + kDrain;
  while (std::chrono::steady_clock::now() < deadline) {
    const PhoneCounts counts = phones.counts();
    if (finished(counts, uas, options.answers) >= counts.sent) break;
    std::this_thread::sleep_for(10ms);
  }
  result.cpu = cpu() - before;
  result.phones = phones.counts();
  result.at_uas = uas.requests();
  result.round_trips = phones.round_trips();
  return result;
}

double percentile_us(const std::vector<std::chrono::nanoseconds>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return std::chrono::duration<double, std::micro>(sorted[static_cast<std::size_t>(last * share)]).count();
}

struct Figure {
  const char* name;
  double value;
  int digits;
};

void print(const std::vector<Figure>& figures, bool json) {
  std::string out = json ? "{" : "";
  for (const Figure& figure : figures) {
    if (out.size() > 1) out += json ? ", " : " ";
    std::array<char, 64> value{};
    std::snprintf(value.data(), value.size(), "%.*f", figure.digits, figure.value);
    out += json ? "\"" + std::string(figure.name) + "\": " : std::string(figure.name) + "=";
    out += value.data();
  }
  std::puts((out + (json ? "}" : "")).c_str());
}

constexpr std::array kFlags{
    Flag{"--target", FlagKind::required, "", "IP:PORT of the server under test"},
    Flag{"--uas", FlagKind::required, "", "IP:PORT that the server passes requests to; the built-in PBX"},
    Flag{"--rate", FlagKind::optional, "20000", "requests a second; 0 sends as fast as it can"},
    Flag{"--seconds", FlagKind::optional, "6", "how long to send"},
    Flag{"--sources", FlagKind::optional, "500", "phones, each with its own address from 127.1.0.1 up"},
    Flag{"--source-port", FlagKind::optional, "0", "the port of every phone; 0: any, another in each run"},
    Flag{"--pid", FlagKind::optional, "0", "the server's process: report its processor time, children's too"},
    Flag{"--mix", FlagKind::optional, "options",
         "options, register, invite (with ACK and BYE), split by commas, sent in turn"},
    Flag{"--no-reply", FlagKind::toggle, "", "the PBX stays silent; delivered is what reached it"},
    Flag{"--json", FlagKind::toggle, "", "print one JSON object"},
};

int sipload_main(const Flags& flags) {
  const Options options = read_options(flags);
  const Result result =
      measure(options, parse_endpoint(flags.text("--target")), parse_endpoint(flags.text("--uas")));
  const PhoneCounts& phones = result.phones;
  const auto sent = static_cast<double>(phones.sent);
  const auto pairs = static_cast<double>(options.answers == Answers::ok ? phones.replies : result.at_uas);
  std::vector<Figure> figures{
      {"sent", sent, 0},
      {"rate", sent / result.sending.count(), 0},
      {"at_uas", static_cast<double>(result.at_uas), 0},
      {"replies", static_cast<double>(phones.replies), 0},
      {"duplicates", static_cast<double>(phones.duplicates), 0},
      {"other_replies", static_cast<double>(phones.other_replies), 0},
      {"send_errors", static_cast<double>(phones.send_errors), 0},
      {"delivered", sent > 0 ? pairs / sent : 0, 5},
      {"p50_us", percentile_us(result.round_trips, 0.50), 1},
      {"p90_us", percentile_us(result.round_trips, 0.90), 1},
      {"p99_us", percentile_us(result.round_trips, 0.99), 1},
      {"max_us", percentile_us(result.round_trips, 1), 1},
  };
  if (options.pid > 0) {
    figures.push_back({"cpu_seconds", result.cpu.count(), 6});
    figures.push_back({"cpu_us_per_request", sent > 0 ? result.cpu.count() * 1e6 / sent : 0, 3});
    figures.push_back({"cpu_us_per_pair", pairs > 0 ? result.cpu.count() * 1e6 / pairs : 0, 3});
  }
  print(figures, flags.has("--json"));
  return 0;
}

}  // namespace
}  // namespace sipward::bench

int main(int count, char** values) {
  using namespace sipward::bench;
  return run_program("bench_sipload", kFlags, {values + 1, values + count}, sipload_main);
}
