#include "hop_marks.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace sipward::proxy {
namespace {

constexpr std::string_view kCookie = "z9hG4bK";
constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr unsigned kWorkerDigits = 2;
constexpr unsigned kListenerDigits = 4;

int digit(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= 'A' && c <= 'Z') return c - 'A';  // devices that fold case
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

char* put(char* at, std::uint64_t number, unsigned digits) {
  for (; digits > 0; --digits, number >>= 5) *at++ = kDigits[number & 31];
  return at;
}

bool take(std::string_view& from, unsigned digits, std::uint64_t& number) {
  number = 0;
  if (from.size() < digits) return false;
  for (unsigned i = 0; i < digits; ++i) {
    const int d = digit(from[i]);
    if (d < 0) return false;
    number |= static_cast<std::uint64_t>(d) << (5 * i);
  }
  from.remove_prefix(digits);
  return true;
}

// Texts one after another, so that no two lists of texts look alike.
class Input {
 public:
  explicit Input(const HashKey& key) : key_(key) {}
  Input& add(std::string_view text, bool fold_case = false) {
    std::uint64_t hash = 0;
    if (text.size() + 4 > kRoom - used_) {
      hash = keyed_hash(key_, text);
      text = {reinterpret_cast<const char*>(&hash), sizeof hash};
    }
    const auto size = static_cast<std::uint32_t>(text.size());
    add_plain(size);
    for (const char c : text)
      buffer_[used_++] = fold_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return *this;
  }
  template <class Number>
  Input& add_plain(Number number) {
    std::memcpy(buffer_.data() + used_, &number, sizeof number);
    used_ += sizeof number;
    return *this;
  }
  std::uint64_t hash() const { return keyed_hash(key_, std::string_view(buffer_.data(), used_)); }

 private:
  static constexpr std::size_t kRoom = 900;  // and behind it place for what is always short
  const HashKey& key_;
  std::size_t used_ = 0;
  std::array<char, kRoom + 124> buffer_;
};

// A flow as octets, without the parts of an IPv4 address that are the same in all of them.
class Octets {
 public:
  static constexpr std::size_t kMost = 128;

  template <class Number>
  void put(Number number) {
    static_assert(std::is_unsigned_v<Number>);
    for (std::size_t i = 0; i < sizeof number; ++i, number = static_cast<Number>(number >> 7 >> 1))
      data_[size_++] = static_cast<std::uint8_t>(number);
  }
  void put(const Endpoint& e, bool v4) {
    const auto& octets = e.address.octets();
    for (std::size_t i = v4 ? 12 : 0; i < 16; ++i) data_[size_++] = octets[i];
    put(e.port);
  }
  template <class Number>
  Number take() {
    Number number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i)
      number = static_cast<Number>(number | static_cast<Number>(Number{next()} << (8 * i)));
    return number;
  }
  Endpoint take_endpoint(bool v4) {
    std::array<std::uint8_t, 16> octets{};
    if (v4) octets[10] = octets[11] = 0xFF;
    for (std::size_t i = v4 ? 12 : 0; i < 16; ++i) octets[i] = next();
    return {Address::v6(octets), take<Port>()};
  }
  bool at_end() const { return taken_ == size_; }

  // Encrypts and decrypts with a key stream that the tag chooses: what stands in a Route is nobody's
  // business.
  void cover(const HashKey& key, std::uint64_t tag) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (i % 8 == 0) stream_ = Input(key).add("flow").add_plain(tag).add_plain(i).hash();
      data_[i] = static_cast<std::uint8_t>(data_[i] ^ (stream_ >> (8 * (i % 8))));
    }
  }
  std::uint64_t tag(const HashKey& key, std::string_view bound) const {
    return Input(key).add("tag").add(bound).add({reinterpret_cast<const char*>(data_.data()), size_}).hash();
  }
  std::size_t size() const { return size_; }
  std::uint8_t operator[](std::size_t i) const { return data_[i]; }
  bool append(std::uint8_t octet) {
    if (size_ == kMost) return false;
    data_[size_++] = octet;
    return true;
  }

 private:
  std::uint8_t next() { return taken_ < size_ ? data_[taken_++] : std::uint8_t{0}; }

  std::size_t size_ = 0, taken_ = 0;
  std::uint64_t stream_ = 0;
  std::array<std::uint8_t, kMost> data_{};
};

constexpr std::uint8_t kClientV4 = 8, kLocalV4 = 16, kUpstreamV4 = 32, kTransport = 7;
constexpr unsigned kTagDigits = 13;

}  // namespace

Branch Marks::branch(const sip::Via& top, sip::Message& message, const Sender& sender,
                     const Place& place) const {
  Input input(key_);
  input.add(top.branch).add(top.host, true).add(top.transport, true).add_plain(top.port);
  input.add_plain(sender.remote.address.high()).add_plain(sender.remote.address.low());
  input.add_plain(sender.upstream ? sender.remote.port : Port{0}).add_plain(sender.upstream);
  if (!top.has_cookie())
    input.add(message.call_id()).add(message.from().tag).add_plain(message.cseq().number);
  input.add_plain(static_cast<std::uint32_t>(place.worker)).add_plain(place.listener);
  const auto one = input.hash();
  const auto two = input.add_plain(one).hash();
  Branch branch;
  auto* at = std::copy(kCookie.begin(), kCookie.end(), branch.text_.data());
  at = put(at, place.worker, kWorkerDigits);
  at = put(at, place.listener, kListenerDigits);
  at = put(at, one, 13);
  put(at, two, 13);
  return branch;
}

bool Marks::read_place(std::string_view branch, Place& out) {
  if (branch.size() != Branch::kSize || !branch.starts_with(kCookie)) return false;
  branch.remove_prefix(kCookie.size());
  std::uint64_t worker = 0, listener = 0;
  if (!take(branch, kWorkerDigits, worker) || !take(branch, kListenerDigits, listener)) return false;
  out = {static_cast<std::size_t>(worker), static_cast<std::uint32_t>(listener)};
  return true;
}

void Marks::write_flow(const Flow& flow, std::string_view bound, std::string& out) const {
  const auto& c = flow.client;
  const bool client = c.remote.address.is_v4(), local = c.local.address.is_v4(),
             upstream = flow.upstream.address.is_v4();
  Octets octets;
  octets.put(static_cast<std::uint8_t>(static_cast<unsigned>(c.transport) | (client ? kClientV4 : 0U) |
                                       (local ? kLocalV4 : 0U) | (upstream ? kUpstreamV4 : 0U)));
  octets.put(c.remote, client);
  octets.put(c.local, local);
  octets.put(flow.upstream, upstream);
  octets.put(c.listener);
  octets.put(c.route);
  octets.put(c.handler);
  if (is_stream(c.transport)) octets.put(c.connection);
  const auto tag = octets.tag(key_, bound);
  octets.cover(key_, tag);
  std::array<char, kTagDigits + (Octets::kMost * 8 + 4) / 5> text;
  auto* at = put(text.data(), tag, kTagDigits);
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    bits |= std::uint32_t{octets[i]} << have;
    for (have += 8; have >= 5; have -= 5, bits >>= 5) *at++ = kDigits[bits & 31];
  }
  if (have > 0) *at++ = kDigits[bits & 31];
  out.append(text.data(), at);
}

bool Marks::read_flow(std::string_view user, std::string_view bound, Flow& out) const {
  std::uint64_t tag = 0;
  if (!take(user, kTagDigits, tag)) return false;
  Octets octets;
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (const char c : user) {
    const int d = digit(c);
    if (d < 0) return false;
    bits |= static_cast<std::uint32_t>(d) << have;
    have += 5;
    if (have < 8) continue;
    if (!octets.append(static_cast<std::uint8_t>(bits))) return false;
    bits >>= 8;
    have -= 8;
  }
  octets.cover(key_, tag);
  if (octets.tag(key_, bound) != tag) return false;
  const auto first = octets.take<std::uint8_t>();
  auto& c = out.client;
  c.transport = static_cast<Transport>(first & kTransport);
  c.remote = octets.take_endpoint((first & kClientV4) != 0);
  c.local = octets.take_endpoint((first & kLocalV4) != 0);
  out.upstream = octets.take_endpoint((first & kUpstreamV4) != 0);
  c.listener = octets.take<std::uint32_t>();
  c.route = octets.take<std::uint32_t>();
  c.handler = octets.take<std::uint16_t>();
  c.connection = is_stream(c.transport) ? octets.take<std::uint64_t>() : 0;
  return octets.at_end();
}

bool Marks::has_form(std::string_view user) {
  return user.size() > 2 * std::size_t{kTagDigits} &&
         std::all_of(user.begin(), user.end(), [](char c) { return digit(c) >= 0; });
}

}  // namespace sipward::proxy
