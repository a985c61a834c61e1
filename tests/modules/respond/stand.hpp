#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "responder.hpp"
#include "sipward/build_context.hpp"
#include "sipward/testing/fake_clock.hpp"
#include "sipward/testing/fake_worker.hpp"

namespace sipward::respond {

using test::FakeClock;
using test::FakeWorker;
using test::FakeWorkers;

// A request with everything that RFC 3261 8.1.1 asks for; change what a test is about.
struct Text {
  std::string method = "OPTIONS";
  std::string uri = "sip:100@192.0.2.1";
  std::string branch = "z9hG4bK1";
  std::string from_tag = "caller";
  std::string to = "<sip:100@192.0.2.1>";
  std::string to_tag = {};
  std::string call_id = "call-1@198.51.100.7";
  unsigned cseq = 1;
  std::string extra = {};  // whole lines
  std::string body = {};   // SDP, unless extra says otherwise

  std::string str() const;
};
inline constexpr const char* kOffer =
    "v=0\r\no=a 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

int status(std::string_view answer);                                 // 0 when it is none
std::string header(std::string_view answer, std::string_view name);  // of the first, or empty
std::string tag(std::string_view answer);                            // of To

// A `respond` with everything that it needs, and clients to talk to it.
class Stand {
 public:
  explicit Stand(std::string_view sipfile = "respond", const Clock* clock = nullptr);

  FakeClock clock;

 private:
  FakeWorkers workers_;

 public:
  FakeWorker& worker;
  Peer client;

  Verdict verdict = Verdict::next;  // of the last request
  std::vector<std::string> send(const std::string& octets);
  std::vector<std::string> send(const Text& text) { return send(text.str()); }
  // The one answer there must be.
  std::string answer(const Text& text);
  int status_of(const Text& text) { return status(answer(text)); }
  // Moves the clock and runs the timers; what was sent meanwhile.
  std::vector<std::string> after(Duration time);
  std::vector<std::string> taken();  // and forgets it
  std::size_t calls();

 private:
  Services services_;
  std::unique_ptr<Responder> responder_;
};

}  // namespace sipward::respond
