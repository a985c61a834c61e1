#include "frames.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "frame_text.hpp"

using namespace sipward::websocket;
using namespace sipward::test;
using What = FrameReader::What;

namespace {

struct Heard {
  std::vector<std::string> messages;
  std::string control, fault;
  Close code = Close::normal;
  std::string rest;
};

// Reads octets given in pieces, with so much room for each step.
Heard read(const std::string& octets, FrameReader::Limits limits = {}, std::size_t piece = 1 << 20,
           std::size_t room = 1 << 20) {
  FrameReader reader(limits);
  Heard heard;
  std::string out(room, '\0');
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    std::string_view in = std::string_view(octets).substr(at, piece);
    while (!in.empty() || reader.owes()) {
      const auto step = reader.read({in.data(), in.size()}, {out.data(), out.size()});
      in.remove_prefix(step.taken);
      heard.rest.append(out, 0, step.given);
      if (step.what == What::message_end) heard.messages.push_back(std::exchange(heard.rest, {}));
      if (step.what == What::ping || step.what == What::pong || step.what == What::close)
        heard.control += std::to_string(static_cast<int>(step.what)) + reader.control() + ' ';
      if (step.what != What::fault) continue;
      heard.fault = step.fault;
      heard.code = step.close_code;
      return heard;
    }
  }
  return heard;
}

}  // namespace

TEST_CASE("messages come out whole, however frames, segments and buffers are cut") {
  const std::string large(70'000, 'x');
  const std::string octets = frame(kText, "one") + frame(kBinary, "t", false) + frame(kPing, "p") +
                             frame(kMore, "w", false) + frame(kMore, "", false) + frame(kMore, "") +
                             frame(kText, "") + frame(kText, std::string(200, 'y')) + frame(kBinary, large) +
                             frame(kPong, "") + frame(kClose, "\x03\xe8");
  const auto piece = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1} << 20);
  const auto room = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{1} << 20);
  const auto heard = read(octets, {.message = 70'000, .fragments = 4}, piece, room);
  CHECK(heard.fault.empty());
  REQUIRE(heard.messages.size() == 5);
  CHECK(heard.messages[0] == "one");
  CHECK(heard.messages[1] == "tw");
  CHECK(heard.messages[2].empty());
  CHECK(heard.messages[3] == std::string(200, 'y'));
  CHECK(heard.messages[4] == large);
  CHECK(heard.control == "2p 3 4\x03\xe8 ");
  CHECK(heard.rest.empty());
}

TEST_CASE("payload is unmasked where it was read") {
  auto octets = frame(kText, "first", false) + frame(kMore, "second");
  FrameReader reader({});
  std::size_t given = 0, taken = 0;
  FrameReader::Step step;
  do {
    step = reader.read({octets.data() + taken, octets.size() - taken},
                       {octets.data() + given, octets.size() - given});
    taken += step.taken, given += step.given;
  } while (step.what != What::message_end);
  CHECK(octets.substr(0, given) == "firstsecond");
}

TEST_CASE("frames that break the rules are told with their close code") {
  using namespace std::string_literals;
  struct Case {
    std::string octets;
    const char* fault;
    Close code;
  };
  const std::string whole(100, 'x');
  for (const auto& c : {
           Case{"\x81\x03one"s, "ws_unmasked", Close::protocol_error},
           Case{"\xC1"s, "ws_frame", Close::protocol_error},        // compressed
           Case{frame(3, "x"), "ws_frame", Close::protocol_error},  // an opcode of nobody
           Case{frame(11, "x"), "ws_frame", Close::protocol_error},
           Case{frame(kMore, "x"), "ws_frame", Close::protocol_error},  // continues nothing
           Case{frame(kText, "x", false) + frame(kText, "y"), "ws_frame", Close::protocol_error},
           Case{frame(kPing, "x", false), "ws_frame", Close::protocol_error},
           Case{frame(kPing, std::string(126, 'x')), "ws_frame", Close::protocol_error},
           Case{frame(kText, std::string(101, 'x')), "ws_message_too_large", Close::too_large},
           Case{frame(kText, whole, false) + frame(kMore, "x"), "ws_message_too_large", Close::too_large},
           Case{"\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0"s, "ws_message_too_large",
                Close::too_large},
           Case{frame(kText, "a", false) + frame(kMore, "b", false) + frame(kMore, "c"), "ws_fragments",
                Close::policy},
       }) {
    INFO(c.fault);
    const auto heard = read(c.octets, {.message = 100, .fragments = 2}, GENERATE(1, 1 << 20));
    CHECK(heard.fault == c.fault);
    CHECK(heard.code == c.code);
    CHECK(heard.messages.empty());
  }
  CHECK(
      read(frame(kText, whole, false) + frame(kMore, ""), {.message = 100, .fragments = 2}).messages.size() ==
      1);
}

TEST_CASE("frames of a server carry their length and no mask") {
  using namespace std::string_literals;
  CHECK(frame_head(Opcode::text, 125) == "\x81\x7D"s);
  CHECK(frame_head(Opcode::binary, 126) == "\x82\x7E\x00\x7E"s);
  CHECK(frame_head(Opcode::close, 2) == "\x88\x02"s);
  CHECK(frame_head(Opcode::text, 65535) == "\x81\x7E\xFF\xFF"s);
  CHECK(frame_head(Opcode::text, 65536) == "\x81\x7F\0\0\0\0\0\x01\0\0"s);
}

TEST_CASE("text is told from other octets") {
  for (const char* text : {"", "plain", "caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBF"})
    CHECK(is_utf8(text));
  for (const char* text : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                           "\xF4\x90\x80\x80", "\xE2\x82", "\xFF", "caf\xE9 "})
    CHECK_FALSE(is_utf8(text));
}
