// What one SIP message costs: splitting, the typed reads every hop needs, framing, and validation where the
// guardian's objects are linked. Prints nanoseconds a message, the best of several rounds, since noise only
// ever adds.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "scanner_patterns.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/sip/message.hpp"
#include "validation.hpp"

namespace {

using namespace sipward;

const std::string kOptions =
    "OPTIONS sip:pbx.example.com:5060;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK-524287-1---6f0b9f1d2ab3c44a;rport\r\n"
    "Max-Forwards: 70\r\n"
    "Contact: <sip:alice@192.0.2.17:5060;transport=UDP>\r\n"
    "To: \"Alice\" <sip:alice@pbx.example.com;transport=UDP>\r\n"
    "From: \"Alice\" <sip:alice@pbx.example.com;transport=UDP>;tag=9f7e5c3b\r\n"
    "Call-ID: fSg0Xm0G0iV1LmJ1zX0JVg..@192.0.2.17\r\n"
    "CSeq: 102 OPTIONS\r\n"
    "Accept: application/sdp, application/dtmf-relay\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE\r\n"
    "Supported: replaces, norefersub, extended-refer, timer\r\n"
    "User-Agent: Example Phone 5.5.12 rv2.10\r\n"
    "Content-Length: 0\r\n\r\n";

volatile std::uint64_t sink = 0;

template <typename Work>
void measure(const char* what, Work&& work) {
  constexpr int kRounds = 10'000;
  constexpr int kTimes = 100;
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t sum = 0;
    for (int i = 0; i < kTimes; ++i) sum += work();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    sink = sink + sum;
    best = std::min(best, took.count() / kTimes);
  }
  std::printf("%-28s %8.1f ns\n", what, best);
}

std::uint64_t read_usual(sip::Message& m) {
  return m.via().branch.size() + m.from().tag.size() + m.to().tag.size() + m.call_id().size() +
         m.cseq().number + m.uri().host.size();
}

}  // namespace

int main() {
  std::printf("OPTIONS of %zu octets, %s\n", kOptions.size(), "12 headers");
  sip::Message message;
  measure("split", [&] {
    message.parse(kOptions, sip::Framing::datagram);
    return message.headers().size();
  });
  measure("split and usual reads", [&] {
    message.parse(kOptions, sip::Framing::datagram);
    return read_usual(message);
  });
  measure("frame", [&] {
    sip::Framer framer;
    return framer.next(kOptions).size;
  });
  measure("parse_uri",
          [&] { return sip::parse_uri("sip:alice@pbx.example.com:5060;transport=udp").host.size(); });
  namespace validation = guardian::validation;
  validation::Options strict;
  strict.mode = validation::Mode::strict;
  measure("split, read, strict", [&] {
    message.parse(kOptions, sip::Framing::datagram);
    return read_usual(message) + static_cast<std::uint64_t>(validation::validate(message, {}, strict).action);
  });
  const guardian::ScannerPatterns patterns;
  measure("scanner patterns, all read", [&] { return std::uint64_t{patterns.matches(message).has_value()}; });
}
