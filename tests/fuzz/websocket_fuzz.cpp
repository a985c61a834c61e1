#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "frames.hpp"
#include "upgrade.hpp"

using sipward::fuzz::require;
using namespace sipward::websocket;

namespace {

struct Heard {
  std::vector<std::string> messages;
  std::string_view fault;
  friend bool operator==(const Heard&, const Heard&) = default;
};

Heard read(std::string octets, std::size_t piece, std::size_t room) {
  FrameReader reader({.message = 1000, .fragments = 4});
  Heard heard;
  std::string out(room, '\0'), message;
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    auto in = std::string_view(octets).substr(at, piece);
    while (!in.empty() || reader.owes()) {
      const auto step = reader.read({in.data(), in.size()}, {out.data(), out.size()});
      require(step.taken <= in.size() && step.given <= out.size());
      in.remove_prefix(step.taken);
      message.append(out, 0, step.given);
      require(message.size() <= 1000 && reader.control().size() <= 125);
      if (step.what == FrameReader::What::message_end) heard.messages.push_back(std::exchange(message, {}));
      heard.fault = step.fault;
      if (step.what == FrameReader::What::fault) return heard;
    }
  }
  return heard;
}

}  // namespace

// Frames say the same however they are cut; a request is accepted or refused, never both.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string octets(reinterpret_cast<const char*>(data), size);
  require(read(octets, octets.size() + 1, 4096) == read(octets, 1, 1));
  require(read(octets, octets.size() + 1, 7) == read(octets, 5, 3));
  (void)is_utf8(octets);
  const auto upgrade = judge_request(octets, {});
  require(upgrade.fault.empty() == upgrade.answer.starts_with("HTTP/1.1 101 "));
  return 0;
}
