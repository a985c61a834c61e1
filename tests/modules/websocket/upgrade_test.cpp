#include "upgrade.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

// RFC 6455 1.3, with the protocol of RFC 7118.
const std::string kRequest =
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, "
    "Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://phone.example.com\r\n"
    "Sec-WebSocket-Protocol: chat, sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

}  // namespace

TEST_CASE("a request for SIP over WebSocket is answered as RFC 6455 and 7118 say") {
  const auto upgrade = websocket::judge_request(kRequest, {});
  CHECK(upgrade.fault.empty());
  CHECK_THAT(upgrade.answer, StartsWith("HTTP/1.1 101 "));
  CHECK_THAT(upgrade.answer, Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  CHECK_THAT(upgrade.answer, Contains("Sec-WebSocket-Protocol: sip\r\n"));
  CHECK_THAT(upgrade.answer, !Contains("Extensions"));
  CHECK(websocket::judge_request(
            replaced(kRequest, "chat, sip\r\n", "chat\r\nSec-WebSocket-Protocol: sip\r\n"), {})
            .fault.empty());
}

TEST_CASE("other requests are refused, and say why") {
  struct Case {
    const char *what, *by, *status, *fault;
  };
  for (const Case& c : {
           Case{"GET", "POST", "405", "ws_request"},
           Case{"HTTP/1.1", "HTTP/1.0", "426", "ws_request"},
           Case{"Upgrade: websocket\r\n", "", "426", "ws_request"},
           Case{"Version: 13", "Version: 8", "426", "ws_request"},
           Case{"dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", "400", "ws_request"},
           Case{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400", "ws_request"},
           Case{"Host: server.example.com\r\n", "", "400", "ws_request"},
           Case{"Host: ", "Content-Length: 5\r\nHost: ", "400", "ws_request"},
           Case{"GET /chat", "GET  ", "400", "ws_request"},
           Case{"chat, sip", "chat, sipx", "400", "ws_subprotocol"},
           Case{"Sec-WebSocket-Protocol: chat, sip\r\n", "", "400", "ws_subprotocol"},
       }) {
    INFO(c.what << " -> " << c.by);
    const auto upgrade = websocket::judge_request(replaced(kRequest, c.what, c.by), {});
    CHECK(upgrade.fault == c.fault);
    CHECK_THAT(upgrade.answer, StartsWith(std::string("HTTP/1.1 ") + c.status));
    CHECK_THAT(upgrade.answer, Contains("Connection: close\r\n"));
  }
}

TEST_CASE("web pages come from the origins that are named; what is no browser names none") {
  websocket::Options options;
  options.origins = {"https://phone.example.com"};
  CHECK(websocket::judge_request(kRequest, options).fault.empty());
  CHECK(websocket::judge_request(replaced(kRequest, "Origin: https://phone.example.com\r\n", ""), options)
            .fault.empty());
  for (const char* other : {"https://evil.example.com", "http://phone.example.com", "null",
                            "https://phone.example.com\r\nOrigin: https://evil.example.com"}) {
    const auto upgrade =
        websocket::judge_request(replaced(kRequest, "https://phone.example.com", other), options);
    CHECK(upgrade.fault == "ws_origin");
    CHECK_THAT(upgrade.answer, StartsWith("HTTP/1.1 403"));
  }
}
