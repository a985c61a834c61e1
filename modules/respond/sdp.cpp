#include "sdp.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sipward::respond {
namespace {

constexpr std::size_t kMaxStreams = 16;
constexpr std::size_t kMaxWord = 64;

struct Codec {
  std::string_view format;  // static payload types of RFC 3551
  std::string_view map;
};
constexpr std::array<Codec, 2> kCodecs{{{"0", "PCMU/8000"}, {"8", "PCMA/8000"}}};

enum class Flow : std::uint8_t { sendrecv, sendonly, recvonly, inactive };
constexpr std::array<std::string_view, 4> kFlows{"sendrecv", "sendonly", "recvonly", "inactive"};

struct Stream {
  std::string_view media, port, protocol, first_format;
  std::array<bool, kCodecs.size()> codecs{};
  Flow flow = Flow::sendrecv;

  bool acceptable() const {
    const bool plain_rtp = protocol == "RTP/AVP" || protocol == "RTP/AVPF";
    return media == "audio" && plain_rtp && port != "0" &&
           std::find(codecs.begin(), codecs.end(), true) != codecs.end();
  }
};

struct Offer {
  std::array<Stream, kMaxStreams> streams;
  std::size_t count = 0;
  std::string_view time = "0 0";
  Flow flow = Flow::sendrecv;
};

std::string_view take(std::string_view& rest, char end) {
  const auto at = rest.find(end);
  const auto word = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return word;
}

// What is copied into the answer must be a plain word, whatever it means.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kMaxWord &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_time(std::string_view text) {
  return text.size() <= kMaxWord && text.find(' ') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c == ' ' || (c >= '0' && c <= '9'); });
}

bool read_stream(std::string_view value, Stream& stream) {
  stream.media = take(value, ' ');
  stream.port = take(value, ' ');
  stream.protocol = take(value, ' ');
  while (!value.empty()) {
    const auto format = take(value, ' ');
    if (stream.first_format.empty()) stream.first_format = format;
    for (std::size_t i = 0; i < kCodecs.size(); ++i) stream.codecs[i] |= format == kCodecs[i].format;
  }
  return is_word(stream.media) && is_word(stream.port) && is_word(stream.protocol) &&
         is_word(stream.first_format);
}

bool read_offer(std::string_view text, Offer& offer) {
  bool first = true;
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (first && line != "v=0") return false;
    first = false;
    if (line.starts_with("t=") && is_time(line.substr(2))) offer.time = line.substr(2);
    if (line.starts_with("m=")) {
      if (offer.count == kMaxStreams) return false;
      Stream& stream = offer.streams[offer.count++];
      stream.flow = offer.flow;
      if (!read_stream(line.substr(2), stream)) return false;
    }
    if (!line.starts_with("a=")) continue;
    const auto flow = std::find(kFlows.begin(), kFlows.end(), line.substr(2));
    if (flow == kFlows.end()) continue;
    (offer.count == 0 ? offer.flow : offer.streams[offer.count - 1].flow) =
        static_cast<Flow>(flow - kFlows.begin());
  }
  return offer.count != 0;
}

Flow turned_round(Flow flow) {
  switch (flow) {
    case Flow::sendonly:
      return Flow::recvonly;
    case Flow::recvonly:
      return Flow::sendonly;
    case Flow::sendrecv:
    case Flow::inactive:
      break;
  }
  return flow;
}

void write_session(const SdpOrigin& origin, std::string_view time, std::string& out) {
  const std::string address = (origin.address.is_v4() ? "IN IP4 " : "IN IP6 ") + origin.address.to_string();
  out.assign("v=0\r\no=sipward ")
      .append(std::to_string(origin.session >> 1))
      .append(" ");  // 63 bits: signed readers
  out.append(std::to_string(origin.version)).append(" ").append(address);
  out.append("\r\ns=-\r\nc=").append(address).append("\r\nt=").append(time).append("\r\n");
}

void write_audio(const Stream& stream, std::string& out) {
  std::string maps;
  out.append("m=audio 9 ").append(stream.protocol);
  for (std::size_t i = 0; i < kCodecs.size(); ++i) {
    if (!stream.codecs[i]) continue;
    out.append(" ").append(kCodecs[i].format);
    maps.append("a=rtpmap:").append(kCodecs[i].format).append(" ").append(kCodecs[i].map).append("\r\n");
  }
  out.append("\r\n").append(maps).append("a=");
  out.append(kFlows[static_cast<std::size_t>(turned_round(stream.flow))]).append("\r\n");
}

}  // namespace

bool answer_offer(std::string_view text, const SdpOrigin& origin, std::string& out) {
  Offer offer;
  if (!read_offer(text, offer)) return false;
  write_session(origin, offer.time, out);
  bool accepted = false;
  for (const Stream& stream : std::span(offer.streams).first(offer.count)) {
    if (!accepted && stream.acceptable()) {
      accepted = true;
      write_audio(stream, out);
      continue;
    }
    out.append("m=").append(stream.media).append(" 0 ").append(stream.protocol);
    out.append(" ").append(stream.first_format).append("\r\n");
  }
  return accepted;
}

std::string make_offer(const SdpOrigin& origin) {
  Stream stream;
  stream.protocol = "RTP/AVP";
  stream.codecs.fill(true);
  std::string out;
  write_session(origin, "0 0", out);
  write_audio(stream, out);
  return out;
}

}  // namespace sipward::respond
