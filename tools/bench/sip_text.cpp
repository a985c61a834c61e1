#include "sip_text.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace sipward::bench {
namespace {

constexpr std::string_view kPbxTag = "as5f1b7c2e";
constexpr std::string_view kOffer =
    "v=0\r\no=- 20800 20800 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 11780 RTP/AVP 9 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    "a=ptime:20\r\na=sendrecv\r\n";
constexpr std::string_view kAnswer =
    "v=0\r\no=- 71 71 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 11790 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

constexpr std::array<std::string_view, 5> kMethods{"OPTIONS", "REGISTER", "INVITE", "ACK", "BYE"};

// Appends to a fixed buffer; what does not fit makes the whole text empty.
class Writer final {
 public:
  explicit Writer(std::span<char> out) : out_(out) {}

  Writer& operator<<(std::string_view text) {
    if (text.size() > out_.size() - used_) {
      overflow_ = true;
    } else {
      std::ranges::copy(text, out_.data() + used_);
      used_ += text.size();
    }
    return *this;
  }

  [[nodiscard]] std::size_t size() const { return overflow_ ? 0 : used_; }

 private:
  std::span<char> out_;
  std::size_t used_ = 0;
  bool overflow_ = false;
};

bool starts_with_name(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         ::strncasecmp(line.data(), name.data(), name.size()) == 0;
}

// Takes the next line, with its end, off `text`; empty at the end of the headers.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || end < 2) return {};
  const std::string_view line = text.substr(0, end + 1);
  text.remove_prefix(end + 1);
  return line;
}

std::string_view value_of(std::string_view line) {
  line.remove_prefix(line.find(':') + 1);
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.remove_suffix(1);
  return line;
}

template <typename Number>
bool read_hex(std::string_view text, Number& value) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc{} && rest == text.data() + text.size();
}

// SSSSSSSS-RRRRRRRRRRRRRRRR@host, as write_request() makes it.
bool read_call_id(std::string_view call_id, RequestId& id) {
  return call_id.size() > 25 && call_id[8] == '-' && read_hex(call_id.substr(0, 8), id.sequence) &&
         read_hex(call_id.substr(9, 16), id.run);
}

}  // namespace

std::string_view to_text(Method method) {
  return kMethods[static_cast<std::size_t>(method)];
}

std::size_t write_request(Method method, RequestId id, const Phone& phone, std::string_view server,
                          std::span<char, kLargestMessage> out) {
  std::array<char, 40> unique{};
  std::snprintf(unique.data(), unique.size(), "%08" PRIx32 "-%016" PRIx64, id.sequence, id.run);
  const std::string_view number(unique.data(), 8);
  const std::string_view call_id(unique.data(), 25);
  const std::string_view name = to_text(method);
  const bool registering = method == Method::register_user;
  const bool inside_call = method == Method::ack || method == Method::bye;

  Writer text(out);
  text << name << (registering ? " sip:" : " sip:2100@") << server << " SIP/2.0\r\n"
       << "Via: SIP/2.0/UDP " << phone.contact << ";branch=z9hG4bK" << call_id.substr(9) << name.substr(0, 1)
       << number << ";rport\r\n"
       << "Max-Forwards: 70\r\n"
       << "From: \"" << phone.user << "\" <sip:" << phone.user << "@pbx.example.com>;tag=" << number
       << call_id.substr(17) << "\r\n"
       << "To: <sip:" << (registering ? std::string_view(phone.user) : "2100") << "@pbx.example.com>";
  if (inside_call) text << ";tag=" << kPbxTag;
  text << "\r\nCall-ID: " << call_id << "@" << phone.contact.substr(0, phone.contact.find(':')) << "\r\n"
       << "CSeq: " << (method == Method::bye ? "2 " : "1 ") << name << "\r\n";
  if (!inside_call) {
    text << "Contact: <sip:" << phone.user << "@" << phone.contact << ">\r\n"
         << "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, INFO, MESSAGE, UPDATE, PRACK\r\n";
  }
  if (method == Method::options) text << "Accept: application/sdp\r\nSupported: replaces, timer\r\n";
  if (registering) text << "Expires: 3600\r\n";
  text << "User-Agent: Yealink SIP-T46U 108.86.0.20\r\n";
  if (method == Method::invite) {
    text << "Content-Type: application/sdp\r\nContent-Length: " << std::to_string(kOffer.size()) << "\r\n\r\n"
         << kOffer;
  } else {
    text << "Content-Length: 0\r\n\r\n";
  }
  return text.size();
}

std::size_t write_answer(std::string_view request, std::string_view contact,
                         std::span<char, kLargestMessage> out) {
  const std::string_view start = next_line(request);
  const std::string_view method = start.substr(0, start.find(' '));
  if (method.empty() || method == "ACK" || method.starts_with("SIP/")) return 0;
  Writer text(out);
  text << "SIP/2.0 200 OK\r\n";
  // Via, From, To, Call-ID and CSeq go back as they came (RFC 3261 8.2.6.2), Record-Route too (12.1.1).
  for (std::string_view line = next_line(request); !line.empty(); line = next_line(request)) {
    const bool to = starts_with_name(line, "to") || starts_with_name(line, "t");
    if (to && line.find(";tag=") == std::string_view::npos) {
      text << line.substr(0, line.find_last_not_of("\r\n") + 1) << ";tag=" << kPbxTag << "\r\n";
    } else if (to || starts_with_name(line, "via") || starts_with_name(line, "v") ||
               starts_with_name(line, "from") || starts_with_name(line, "f") ||
               starts_with_name(line, "call-id") || starts_with_name(line, "i") ||
               starts_with_name(line, "cseq") || starts_with_name(line, "record-route") ||
               (method == "REGISTER" &&
                (starts_with_name(line, "contact") || starts_with_name(line, "expires")))) {
      text << line;
    }
  }
  if (method != "REGISTER") text << "Contact: <sip:2100@" << contact << ">\r\n";
  text << "Server: pbx\r\n";
  if (method == "INVITE") {
    text << "Content-Type: application/sdp\r\nContent-Length: " << std::to_string(kAnswer.size())
         << "\r\n\r\n"
         << kAnswer;
  } else {
    text << "Content-Length: 0\r\n\r\n";
  }
  return text.size();
}

std::optional<Reply> read_reply(std::string_view message) {
  const std::string_view start = next_line(message);
  Reply reply{};
  if (!start.starts_with("SIP/2.0 ") ||
      std::from_chars(start.data() + 8, start.data() + start.size(), reply.status).ec != std::errc{}) {
    return std::nullopt;
  }
  bool has_id = false;
  bool has_method = false;
  for (std::string_view line = next_line(message); !line.empty(); line = next_line(message)) {
    if (starts_with_name(line, "call-id") || starts_with_name(line, "i")) {
      has_id = read_call_id(value_of(line), reply.id);
    } else if (starts_with_name(line, "cseq")) {
      const std::string_view value = value_of(line);
      const auto method = std::ranges::find(kMethods, value.substr(value.rfind(' ') + 1));
      has_method = method != kMethods.end();
      if (has_method) reply.method = static_cast<Method>(method - kMethods.begin());
    }
  }
  if (!has_id || !has_method) return std::nullopt;
  return reply;
}

}  // namespace sipward::bench
