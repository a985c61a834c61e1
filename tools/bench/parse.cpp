// What reading a SIP message costs, in sweeps: one sweep is memchr going from line end to line end over the
// same octets, which no reader of lines can do without. Each round measures the sweep and the work side by
// side and keeps their ratio; the median of the rounds is printed, with the nanoseconds of the median round.
//   parse [ROUNDS]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "scanner_patterns.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/sip/message.hpp"
#include "validation.hpp"

namespace {

using namespace sipward;

// An INVITE without a body, so that every octet is one of a header: 700 octets, 13 headers.
const std::string kInvite =
    "INVITE sip:9000@pbx.example.com;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK-524287-1---6f0b9f1d2ab3c44a;rport\r\n"
    "Max-Forwards: 70\r\n"
    "Contact: <sip:alice@192.0.2.17:5060;transport=UDP>\r\n"
    "To: <sip:9000@pbx.example.com;transport=UDP>\r\n"
    "From: \"Alice Example\" <sip:alice@pbx.example.com;transport=UDP>;tag=9f7e5c3b\r\n"
    "Call-ID: fSg0Xm0G0iV1LmJ1zX0JVg..@192.0.2.17\r\n"
    "CSeq: 102 INVITE\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE, UPDATE\r\n"
    "Content-Type: application/sdp\r\n"
    "Supported: replaces, norefersub, extended-refer, timer, outbound\r\n"
    "User-Agent: Example Phone 5.5.12 rv2.10.13\r\n"
    "Allow-Events: presence, kpml, talk\r\n"
    "Content-Length: 0\r\n\r\n";

volatile std::uint64_t sink = 0;

template <typename Work>
double nanoseconds(Work&& work) {
  constexpr int kTimes = 200;
  std::uint64_t sum = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimes; ++i) sum += work();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  sink = sink + sum;
  return took.count() / kTimes;
}

std::uint64_t sweep(std::string_view text) {
  std::uint64_t lines = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    if (found == nullptr) break;
    at = static_cast<const char*>(found) + 1;
    ++lines;
  }
  return lines;
}

// Every header that the guard reads of a request that it lets through.
std::uint64_t read_headers(sip::Message& m) {
  std::uint64_t sum = m.via().branch.size() + m.from().tag.size() + m.to().tag.size() + m.call_id().size() +
                      m.cseq().number + m.uri().host.size() + m.max_forwards().value_or(0) +
                      m.expires().value_or(0) + m.content_length().value_or(0) +
                      m.value(sip::HeaderId::user_agent).size() + m.value(sip::HeaderId::content_type).size();
  sip::ValueReader contacts(m, sip::HeaderId::contact);
  for (std::string_view one; contacts.next(one);) sum += sip::parse_name_addr(one).uri.size();
  return sum;
}

struct Round {
  double ratio, nanoseconds;
};

template <typename Work>
void measure(const char* what, int rounds, Work&& work) {
  std::vector<Round> all;
  for (int i = 0; i < rounds; ++i) {
    const double floor = nanoseconds([] { return sweep(kInvite); });
    const double took = nanoseconds(work);
    all.push_back({took / floor, took});
  }
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end(),
                   [](const Round& a, const Round& b) { return a.ratio < b.ratio; });
  std::printf("%-34s %6.2f sweeps %9.1f ns\n", what, middle->ratio, middle->nanoseconds);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 2'000;
  std::printf("INVITE of %zu octets, %d rounds\n", kInvite.size(), rounds);
  sip::Message message;
  const auto split = [&message] { message.parse(kInvite, sip::Framing::datagram); };
  measure("sweep", rounds, [] { return sweep(kInvite); });
  measure("frame", rounds, [] {
    sip::Framer framer;
    return framer.next(kInvite).size;
  });
  measure("split, names classified", rounds, [&] {
    split();
    return message.headers().size();
  });
  measure("split, what the guard reads", rounds, [&] {
    split();
    return read_headers(message);
  });
  namespace validation = guardian::validation;
  validation::Options strict;
  strict.mode = validation::Mode::strict;
  measure("split, strict validation", rounds, [&] {
    split();
    return static_cast<std::uint64_t>(validation::validate(message, {}, strict).action);
  });
  const guardian::ScannerPatterns patterns;
  measure("scanner patterns", rounds, [&] { return std::uint64_t{patterns.matches(message).has_value()}; });
}
