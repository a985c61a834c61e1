#include "sipward/sip/edit.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace sipward::sip;

namespace {

const std::string kMessage =
    "INVITE sip:bob@example.com SIP/2.0\r\n"
    "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1,\r\n SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\n"
    "Via : SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK3\r\n"
    "Route: <sip:a@own;lr>, \"x, y\" <sip:b;lr> ,<sip:c;lr>\r\n"
    "X-Odd: ;;,,;\"(\r\n"
    "Route: <sip:d;lr>\r\n"
    "max-forwards:\t70\r\n"
    "From: <sip:alice@example.com>;tag=1\r\n"
    "To: <sip:bob@example.com>\r\n"
    "i: call\r\n"
    "CSeq: 1 INVITE\r\n"
    "l: 4\r\n"
    "\r\n"
    "body";

struct Edited {
  explicit Edited(std::string text = kMessage) : octets(std::move(text)) {
    message.parse(octets, Framing::datagram);
    edit.begin(message);
  }
  std::string result() {
    std::string out = "what stood there";
    edit.write(out);
    return out;
  }
  // The message with one place changed.
  std::string with(const std::string& old, const std::string& by) const {
    auto text = octets;
    const auto at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), by);
  }

  std::string octets;
  Message message;
  Edit edit;
};

// Drops the elements at these places, counted over all lines.
std::string without(HeaderId id, const std::vector<std::size_t>& places) {
  Edited e;
  std::size_t i = 0;
  e.edit.remove_values(id, [&](std::string_view) {
    const auto place = i++;
    return std::find(places.begin(), places.end(), place) != places.end();
  });
  return e.result();
}

const std::string kRoutes = "<sip:a@own;lr>, \"x, y\" <sip:b;lr> ,<sip:c;lr>";

}  // namespace

TEST_CASE("a message without changes comes out as it came") {
  Edited e;
  CHECK(e.result() == kMessage);
}

TEST_CASE("octets behind the message do not come out") {
  Edited e("\r\n" + kMessage + "more");
  e.edit.put_first("X: 1\r\n");
  auto expected = kMessage;
  CHECK(e.result() == expected.insert(expected.find("v:"), "X: 1\r\n"));
}

TEST_CASE("lines put first stand above all others, in their order") {
  Edited e;
  e.edit.put_first("Via: SIP/2.0/UDP 192.0.2.9\r\n");
  e.edit.put_first("Record-Route: <sip:us;lr>\r\n");
  CHECK(e.result() == e.with("v: ", "Via: SIP/2.0/UDP 192.0.2.9\r\nRecord-Route: <sip:us;lr>\r\nv: "));
}

TEST_CASE("a value is replaced in the line's own form") {
  Edited e;
  e.edit.replace_value(*e.message.header(HeaderId::max_forwards), "69");
  CHECK(e.result() == e.with("\t70", "\t69"));
}

TEST_CASE("all lines of a header go, folded, compact or spaced") {
  Edited e;
  e.edit.remove_all(HeaderId::via);
  CHECK(e.result() ==
        e.with(kMessage.substr(kMessage.find("v:"), kMessage.find("Route:") - kMessage.find("v:")), ""));
}

TEST_CASE("the first element of a folded list goes, and the others stay as they are") {
  CHECK(without(HeaderId::via, {0}) == Edited().with("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1,\r\n ", ""));
}

TEST_CASE("elements go out of a comma-joined line with their commas") {
  CHECK(without(HeaderId::route, {0}) == Edited().with("<sip:a@own;lr>, ", ""));
  CHECK(without(HeaderId::route, {1}) == Edited().with(", \"x, y\" <sip:b;lr>", ""));
  CHECK(without(HeaderId::route, {2}) == Edited().with(" ,<sip:c;lr>", ""));
  CHECK(without(HeaderId::route, {0, 1}) == Edited().with(kRoutes, "<sip:c;lr>"));
  CHECK(without(HeaderId::route, {0, 2}) == Edited().with(kRoutes, "\"x, y\" <sip:b;lr>"));
  CHECK(without(HeaderId::route, {1, 2}) == Edited().with(kRoutes, "<sip:a@own;lr>"));
  CHECK(without(HeaderId::route, {}) == kMessage);
}

TEST_CASE("a line whose elements all go is removed") {
  CHECK(without(HeaderId::route, {3}) == Edited().with("Route: <sip:d;lr>\r\n", ""));
  CHECK(without(HeaderId::route, {0, 1, 2}) == Edited().with("Route: " + kRoutes + "\r\n", ""));
}

TEST_CASE("changes noted out of order come out in order") {
  Edited e;
  e.edit.replace_value(*e.message.header(HeaderId::cseq), "2 INVITE");
  e.edit.insert_after(e.message.via().value, ";received=192.0.2.7");
  e.edit.insert_before(e.message.request_uri(), "sip:x@");
  auto expected = e.with("1 INVITE", "2 INVITE");
  expected.insert(expected.find(",\r\n SIP"), ";received=192.0.2.7");
  expected.insert(expected.find("sip:bob"), "sip:x@");
  CHECK(e.result() == expected);
}

TEST_CASE("what is put in front of a removed part stays, what lay in it goes") {
  Edited e;
  const auto& line = *e.message.header(HeaderId::max_forwards);
  e.edit.remove(line.line);
  e.edit.replace_value(line, "12");
  e.edit.insert_before(line.line, "Max-Forwards: 5\r\n");
  CHECK(e.result() == e.with("max-forwards:\t70\r\n", "Max-Forwards: 5\r\n"));
}
