#include "sipward/sip/framer.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "sipward/sip/message.hpp"

using namespace sipward::sip;
using What = Framer::What;

namespace {

const std::string kMessage = "OPTIONS sip:a@b SIP/2.0\r\nSubject: x\r\n y\r\nl: 5\r\n\r\nhello";

FramingError error_of(const std::string& stream, Limits limits = {}) {
  Framer framer(limits);
  const auto r = framer.next(stream);
  return r.what == What::error ? r.error : FramingError::none;
}

}  // namespace

TEST_CASE("a framer waits for the last octet of a body") {
  Framer framer;
  for (std::size_t n = 0; n < kMessage.size(); ++n) {
    CHECK(framer.next(kMessage.substr(0, n)).what == What::need_more);
    CHECK(framer.between_messages() == (n == 0));
  }
  CHECK(framer.message_size() == kMessage.size());
  const auto r = framer.next(kMessage);
  CHECK(r.what == What::message);
  CHECK(r.size == kMessage.size());
  CHECK(framer.between_messages());
}

TEST_CASE("pipelined messages come one by one") {
  const std::string stream = kMessage + kMessage + "\r\n" + kMessage;
  Framer framer;
  std::string_view rest = stream;
  int messages = 0;
  while (!rest.empty()) {
    const auto r = framer.next(rest);
    REQUIRE(r.what != What::need_more);
    REQUIRE(r.what != What::error);
    if (r.what == What::message) ++messages;
    rest.remove_prefix(r.size);
  }
  CHECK(messages == 3);
}

TEST_CASE("two CRLFs are a ping, one is not, and NULs may follow") {
  Framer framer;
  CHECK(framer.next("\r").what == What::need_more);
  CHECK(framer.next("\r\n").what == What::skip);
  CHECK(framer.next("\r\n").what == What::ping);
  CHECK(framer.next(std::string_view("\0\0X", 3)).size == 2);
  CHECK(framer.next("\r\n").what == What::skip);
  CHECK(framer.next(kMessage).what == What::message);
  CHECK(framer.next("\r\n").what == What::skip);
}

TEST_CASE("a NUL between messages that follows no CRLF is not SIP") {
  CHECK(error_of(std::string(1, '\0')) == FramingError::not_sip);
}

TEST_CASE("a stream that cannot be cut is told why, for good") {
  const std::string head = "OPTIONS sip:a@b SIP/2.0\r\nX: y\r\n";
  CHECK(error_of("GET / HTTP/1.1\r\n") == FramingError::not_sip);
  CHECK(error_of("\x16\x03\x01") == FramingError::not_sip);
  CHECK(error_of("\rX") == FramingError::not_sip);
  CHECK(error_of(head + "\r\n") == FramingError::content_length_missing);
  CHECK(error_of(head + "l: -1\r\n\r\n") == FramingError::content_length_syntax);
  CHECK(error_of(head + "l: 1, 1\r\n\r\n") == FramingError::content_length_syntax);
  CHECK(error_of(head + "l: 1\r\nContent-Length: 1\r\n\r\n") == FramingError::content_length_duplicate);
  CHECK(error_of(head + "l: 65535\r\n\r\n") == FramingError::message_too_long);
  CHECK(error_of(head + "l: 9223372036854775807\r\n\r\n") == FramingError::message_too_long);
  CHECK(error_of(head + "X: " + std::string(9000, 'x')) == FramingError::header_too_long);
  CHECK(error_of("OPTIONS sip:" + std::string(5000, 'x')) == FramingError::start_line_too_long);
  std::string many = head;
  for (int i = 0; i < 200; ++i) many += "X: y\r\n";
  CHECK(error_of(many + "\r\n") == FramingError::too_many_headers);

  Framer framer;
  const auto r = framer.next(head + "l: x\r\n\r\n" + kMessage);
  CHECK(r.can_reply);
  CHECK(r.size == head.size() + 8);
  CHECK(framer.next(kMessage).what == What::error);
}

TEST_CASE("limits hold at their edge") {
  Limits limits;
  limits.message = kMessage.size();
  CHECK(error_of(kMessage, limits) == FramingError::none);
  --limits.message;
  CHECK(error_of(kMessage, limits) == FramingError::message_too_long);
  limits = {};
  limits.headers = 2;
  CHECK(error_of(kMessage, limits) == FramingError::none);
  limits.headers = 1;
  CHECK(error_of(kMessage, limits) == FramingError::too_many_headers);
  limits = {};
  limits.head = kMessage.size() - 5;
  CHECK(error_of(kMessage, limits) == FramingError::none);
  --limits.head;
  CHECK(error_of(kMessage, limits) == FramingError::head_too_long);
}

TEST_CASE("a header that only mentions Content-Length does not frame") {
  const std::string head =
      "OPTIONS sip:a@b SIP/2.0\r\nSubject: x\r\n Content-Length: 9\r\nX: Content-Length: 9\r\n";
  Framer framer;
  CHECK(framer.next(head + "l: 1\r\n\r\nab").size == head.size() + 9);
}
