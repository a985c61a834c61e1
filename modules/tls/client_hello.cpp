#include "client_hello.hpp"

#include <algorithm>
#include <optional>

#include "server_name.hpp"

namespace sipward::tls {
namespace {

constexpr std::size_t kRecordHead = 5;  // RFC 8446 5.1
constexpr std::size_t kMaxRecord = std::size_t{1} << 14;
constexpr std::size_t kMessageHead = 4;  // RFC 8446 4
constexpr unsigned kHandshakeRecord = 22, kClientHello = 1;
constexpr unsigned kServerName = 0, kAlpn = 16;  // RFC 6066 3, RFC 7301 3.1
constexpr std::size_t kMostProtocols = 32;

unsigned octet(char c) {
  return static_cast<unsigned char>(c);
}

// Takes numbers and vectors off the front; once something is missing, nothing more can be taken.
class Cursor {
 public:
  explicit Cursor(std::string_view octets) : left_(octets) {}

  std::optional<std::size_t> number(std::size_t octets) {
    const auto text = take(octets);
    if (!text) return std::nullopt;
    std::size_t value = 0;
    for (const char c : *text) value = value << 8 | octet(c);
    return value;
  }
  std::optional<std::string_view> take(std::size_t octets) {
    if (octets > left_.size()) return std::nullopt;
    const auto text = left_.substr(0, octets);
    left_.remove_prefix(octets);
    return text;
  }
  // A vector behind a length of that many octets.
  std::optional<std::string_view> vector(std::size_t length_octets) {
    const auto size = number(length_octets);
    return size ? take(*size) : std::nullopt;
  }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view left_;
};

bool read_server_name(std::string_view extension, ClientHello& out) {
  Cursor whole(extension);
  const auto list = whole.vector(2);
  if (!list || !whole.empty()) return false;
  for (Cursor names(*list); !names.empty();) {
    const auto type = names.number(1);
    const auto name = names.vector(2);
    if (!type || !name) return false;
    if (*type != 0 || !out.server_name.empty()) continue;
    if (!is_server_name(*name)) return false;
    out.server_name = lower_case(*name);
  }
  return true;
}

bool read_alpn(std::string_view extension, ClientHello& out) {
  Cursor whole(extension);
  const auto list = whole.vector(2);
  if (!list || !whole.empty()) return false;
  for (Cursor names(*list); !names.empty();) {
    const auto name = names.vector(1);
    if (!name || name->empty()) return false;
    if (out.alpn.size() < kMostProtocols) out.alpn.emplace_back(*name);
  }
  return true;
}

bool read_body(std::string_view body, ClientHello& out) {
  constexpr std::size_t kVersionAndRandom = 2 + 32;
  Cursor cursor(body);
  if (!cursor.take(kVersionAndRandom) || !cursor.vector(1) || !cursor.vector(2) || !cursor.vector(1))
    return false;
  if (cursor.empty()) return true;  // TLS 1.2 may have no extensions
  const auto extensions = cursor.vector(2);
  if (!extensions || !cursor.empty()) return false;
  for (Cursor list(*extensions); !list.empty();) {
    const auto type = list.number(2);
    const auto data = list.vector(2);
    if (!type || !data) return false;
    if (*type == kServerName && !read_server_name(*data, out)) return false;
    if (*type == kAlpn && !read_alpn(*data, out)) return false;
  }
  return true;
}

}  // namespace

ClientHello::Read ClientHello::read(std::string_view octets, ClientHello& out) {
  std::string message;  // the records' contents, when they are several
  std::string_view part;
  std::size_t wanted = kMessageHead;
  while (true) {
    // As much of a record's head as is here must be right, so that others are told at their first octet.
    if (!octets.empty() && octet(octets[0]) != kHandshakeRecord) return Read::none;
    if (octets.size() > 1 && octet(octets[1]) != 3) return Read::none;
    if (octets.size() < kRecordHead) return Read::need_more;
    const auto size = octet(octets[3]) << 8 | octet(octets[4]);
    if (size == 0 || size > kMaxRecord) return Read::none;
    octets.remove_prefix(kRecordHead);
    const auto here = octets.substr(0, std::min<std::size_t>(size, octets.size()));
    octets.remove_prefix(here.size());
    if (message.empty() && part.empty()) {
      part = here;
    } else {
      if (message.empty()) message = part;
      message += here;
      part = message;
    }
    if (!part.empty() && octet(part[0]) != kClientHello) return Read::none;
    if (part.size() >= kMessageHead) {
      const auto body = octet(part[1]) << 16 | octet(part[2]) << 8 | octet(part[3]);
      wanted = kMessageHead + body;
      if (wanted > kMost) return Read::none;
      if (part.size() >= wanted) break;
    }
    if (here.size() < size) return Read::need_more;
  }
  ClientHello hello;
  if (!read_body(part.substr(kMessageHead, wanted - kMessageHead), hello)) return Read::none;
  out = std::move(hello);
  return Read::whole;
}

}  // namespace sipward::tls
