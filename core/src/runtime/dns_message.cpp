#include "runtime/dns_message.hpp"

#include <algorithm>

namespace sipward {
namespace {

constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kSrv = 33;
constexpr std::uint16_t kInternet = 1;
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kHeader = 12;

// Reads numbers and names from the front to the back; once something is missing, good() stays false.
class Cursor {
 public:
  explicit Cursor(std::span<const std::uint8_t> message) : message_(message) {}

  bool good() const { return good_; }
  std::size_t at() const { return at_; }
  std::uint32_t number(std::size_t octets) {
    if (!has(octets)) return 0;
    std::uint32_t value = 0;
    while (octets-- > 0) value = value << 8 | message_[at_++];
    return value;
  }
  void skip(std::size_t octets) {
    if (has(octets)) at_ += octets;
  }
  // A name (RFC 1035 4.1.4), its labels joined by dots. Pointers only lead backwards, so it ends.
  std::string name() {
    std::string text;
    std::size_t at = at_;
    std::size_t before = at_;  // pointers lead to what stands before this
    bool jumped = false;
    while (good_) {
      if (at >= message_.size()) return fail();
      const std::size_t length = message_[at];
      if (length == 0) {
        if (!jumped) at_ = at + 1;
        return text;
      }
      if (length >= 0xC0) {
        if (message_.size() - at < 2) return fail();
        const std::size_t to = (length & 0x3F) << 8 | message_[at + 1];
        if (!jumped) at_ = at + 2;
        jumped = true;
        if (to >= before) return fail();
        at = before = to;
        continue;
      }
      if (length > 63 || message_.size() - at <= length) return fail();
      if (!text.empty()) text += '.';
      text.append(message_.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                  message_.begin() + static_cast<std::ptrdiff_t>(at + 1 + length));
      if (text.size() > kMaxName) return fail();
      at += 1 + length;
    }
    return {};
  }

 private:
  bool has(std::size_t octets) { return good_ = good_ && message_.size() - at_ >= octets; }
  std::string fail() {
    good_ = false;
    return {};
  }

  std::span<const std::uint8_t> message_;
  std::size_t at_ = 0;
  bool good_ = true;
};

// In lower case. False for what no host is called.
bool make_host(std::string& name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!good) return false;
  }
  return !name.empty();
}

}  // namespace

std::optional<SrvAnswer> parse_srv(std::span<const std::uint8_t> message) {
  Cursor in(message);
  in.skip(4);  // number and flags, which are the client's business
  const auto questions = in.number(2);
  const auto answers = in.number(2);
  in.skip(kHeader - 8);
  for (std::uint32_t i = 0; i < questions && in.good(); ++i) {
    in.name();
    in.skip(4);
  }
  SrvAnswer result;
  std::uint32_t ttl = ~std::uint32_t{0};
  for (std::uint32_t i = 0; i < answers && in.good(); ++i) {
    in.name();
    const auto type = in.number(2);
    const auto family = in.number(2);
    const auto seconds = in.number(4);
    const auto length = in.number(2);
    const auto end = in.at() + length;
    if (!in.good() || end > message.size()) return std::nullopt;
    if (family == kInternet && (type == kSrv || type == kCname)) {
      ttl = std::min(ttl, seconds > 0x7FFFFFFFU ? 0 : seconds);  // RFC 2181 8
    }
    if (family == kInternet && type == kSrv && result.records.size() < kMaxSrvRecords) {
      SrvRecord record;
      record.priority = static_cast<std::uint16_t>(in.number(2));
      record.weight = static_cast<std::uint16_t>(in.number(2));
      record.port = static_cast<Port>(in.number(2));
      record.target = in.name();
      if (!in.good() || in.at() > end) return std::nullopt;
      if (make_host(record.target)) result.records.push_back(std::move(record));
    }
    in.skip(end - in.at());
  }
  if (!in.good()) return std::nullopt;
  std::sort(result.records.begin(), result.records.end());
  result.records.erase(std::unique(result.records.begin(), result.records.end()), result.records.end());
  if (!result.records.empty()) result.ttl = std::chrono::seconds(ttl);
  return result;
}

}  // namespace sipward
