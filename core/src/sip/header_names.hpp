#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "lexer.hpp"

// Which header field a name is: a perfect hash picks the only candidate, one comparison decides.
namespace sipward::sip::lexer {

// In the order of HeaderId.
inline constexpr std::array<std::string_view, kHeaderIds> kNames = {"",
                                                                    "Accept",
                                                                    "Accept-Contact",
                                                                    "Alert-Info",
                                                                    "Allow",
                                                                    "Allow-Events",
                                                                    "Authorization",
                                                                    "Call-ID",
                                                                    "Call-Info",
                                                                    "Contact",
                                                                    "Content-Encoding",
                                                                    "Content-Length",
                                                                    "Content-Type",
                                                                    "CSeq",
                                                                    "Date",
                                                                    "Diversion",
                                                                    "Error-Info",
                                                                    "Event",
                                                                    "Expires",
                                                                    "From",
                                                                    "History-Info",
                                                                    "Identity",
                                                                    "Identity-Info",
                                                                    "In-Reply-To",
                                                                    "Join",
                                                                    "Max-Forwards",
                                                                    "MIME-Version",
                                                                    "Min-Expires",
                                                                    "Organization",
                                                                    "P-Asserted-Identity",
                                                                    "P-Associated-URI",
                                                                    "P-Preferred-Identity",
                                                                    "Path",
                                                                    "Priority",
                                                                    "Privacy",
                                                                    "Proxy-Authenticate",
                                                                    "Proxy-Authorization",
                                                                    "Proxy-Require",
                                                                    "RAck",
                                                                    "Reason",
                                                                    "Record-Route",
                                                                    "Refer-To",
                                                                    "Referred-By",
                                                                    "Reject-Contact",
                                                                    "Remote-Party-ID",
                                                                    "Replaces",
                                                                    "Reply-To",
                                                                    "Request-Disposition",
                                                                    "Require",
                                                                    "Retry-After",
                                                                    "Route",
                                                                    "RSeq",
                                                                    "Server",
                                                                    "Service-Route",
                                                                    "Session-Expires",
                                                                    "Session-ID",
                                                                    "Subject",
                                                                    "Subscription-State",
                                                                    "Supported",
                                                                    "Target-Dialog",
                                                                    "To",
                                                                    "Unsupported",
                                                                    "User-Agent",
                                                                    "Via",
                                                                    "Warning",
                                                                    "WWW-Authenticate"};

// Names of one letter (RFC 3261 7.3.3 and the registry of later RFCs).
constexpr std::array<HeaderId, 26> make_compact() {
  std::array<HeaderId, 26> t{};
  const auto put = [&t](char c, HeaderId id) { t[static_cast<std::size_t>(c - 'a')] = id; };
  put('a', HeaderId::accept_contact);
  put('b', HeaderId::referred_by);
  put('c', HeaderId::content_type);
  put('d', HeaderId::request_disposition);
  put('e', HeaderId::content_encoding);
  put('f', HeaderId::from);
  put('i', HeaderId::call_id);
  put('j', HeaderId::reject_contact);
  put('k', HeaderId::supported);
  put('l', HeaderId::content_length);
  put('m', HeaderId::contact);
  put('n', HeaderId::identity_info);
  put('o', HeaderId::event);
  put('r', HeaderId::refer_to);
  put('s', HeaderId::subject);
  put('t', HeaderId::to);
  put('u', HeaderId::allow_events);
  put('v', HeaderId::via);
  put('x', HeaderId::session_expires);
  put('y', HeaderId::identity);
  return t;
}
inline constexpr auto kCompact = make_compact();

// A name's first eight octets without case, and its length, tell all names of the list apart; the multiplier
// was picked so that no two share a slot, which the compiler checks.
inline constexpr std::size_t kSlots = 512;
inline constexpr std::array<std::uint64_t, 9> kFirstOctets = {
    0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF, ~std::uint64_t{0}};
constexpr std::size_t slot(std::uint64_t first, std::size_t size, std::uint64_t multiplier) {
  const std::uint64_t folded = (first | 0x2020202020202020U) & kFirstOctets[size < 8 ? size : 8];
  return static_cast<std::size_t>(((folded + size) * multiplier) >> 55);
}
// The octets as they are loaded where the first has the lowest address and weight.
constexpr std::uint64_t first_octets(std::string_view name) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < name.size() && i < 8; ++i) {
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(name[i])) << (8 * i);
  }
  return word;
}

struct Perfect {
  std::array<std::uint8_t, kSlots> ids{};
  std::uint64_t multiplier = 0;
};
constexpr bool place(Perfect& table) {
  table.ids = {};
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    auto& id = table.ids[slot(first_octets(kNames[i]), kNames[i].size(), table.multiplier)];
    if (id != 0) return false;
    id = static_cast<std::uint8_t>(i);
  }
  return true;
}
constexpr Perfect make_perfect() {
  Perfect table;
  table.multiplier = 0x9E3779B97F4A7C15;
  for (int tries = 0; tries < 4000; ++tries) {
    if (place(table)) return table;
    table.multiplier = table.multiplier * 6364136223846793005U + 1442695040888963407U;
  }
  table.multiplier = 0;
  return table;
}
inline constexpr Perfect kPerfect = make_perfect();
static_assert(kPerfect.multiplier != 0, "two header names share a slot: widen the search");

// What a name must hold in its first 16 octets, and which bits count: not the case of letters, and nothing
// behind the name.
struct alignas(16) NameBlock {
  std::array<std::uint8_t, 16> octets{};
  std::array<std::uint8_t, 16> bits{};
};
constexpr std::array<NameBlock, kHeaderIds> make_blocks() {
  std::array<NameBlock, kHeaderIds> blocks{};
  for (std::size_t i = 0; i < kHeaderIds; ++i) {
    for (std::size_t at = 0; at < kNames[i].size() && at < 16; ++at) {
      const char c = kNames[i][at];
      blocks[i].bits[at] = c == '-' ? 0xFF : 0xDF;
      blocks[i].octets[at] = static_cast<std::uint8_t>(static_cast<unsigned char>(c) & blocks[i].bits[at]);
    }
  }
  return blocks;
}
inline constexpr std::array<NameBlock, kHeaderIds> kNameBlocks = make_blocks();

// Equal but for the case of letters, a word at a time. `known` is one of kNames: letters, which have bit
// 0x40, and '-', which has not.
template <typename Word>
bool same_word(const char* name, const char* known) {
  Word a = 0, b = 0;
  std::memcpy(&a, name, sizeof a);
  std::memcpy(&b, known, sizeof b);
  constexpr auto kLetters = static_cast<Word>(0x4040404040404040);
  return ((a ^ b) & ~((b & kLetters) >> 1)) == 0;
}

inline bool same_name(std::string_view name, std::string_view known) {
  const std::size_t size = name.size();
  if (size != known.size()) return false;
  if (size < 4) return iequals(name, known);
  if (size < 8) {
    return same_word<std::uint32_t>(name.data(), known.data()) &&
           same_word<std::uint32_t>(name.data() + size - 4, known.data() + size - 4);
  }
  for (std::size_t i = 0; i + 8 < size; i += 8) {
    if (!same_word<std::uint64_t>(name.data() + i, known.data() + i)) return false;
  }
  return same_word<std::uint64_t>(name.data() + size - 8, known.data() + size - 8);
}

// The field of a name, long or compact; `readable` octets, at least those of the name, may be read from its
// first one on.
[[gnu::always_inline]] inline HeaderId find_name(std::string_view name, std::size_t readable) {
  if (name.size() < 2) {
    if (name.empty() || !is(name[0], kAlpha)) return HeaderId::other;
    return kCompact[static_cast<std::size_t>(lower(name[0]) - 'a')];
  }
  std::uint64_t first;
  if (std::endian::native == std::endian::little && readable >= 8) {
    std::memcpy(&first, name.data(), 8);
  } else {
    first = first_octets(name);
  }
  const std::size_t id = kPerfect.ids[slot(first, name.size(), kPerfect.multiplier)];
#if defined(__SSE2__)
  if (readable >= 16 && name.size() <= 16) {
    const auto load = [](const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); };
    const NameBlock& block = kNameBlocks[id];
    const __m128i found = _mm_and_si128(load(name.data()), load(block.bits.data()));
    const bool same = _mm_movemask_epi8(_mm_cmpeq_epi8(found, load(block.octets.data()))) == 0xFFFF;
    return same && kNames[id].size() == name.size() ? static_cast<HeaderId>(id) : HeaderId::other;
  }
#endif
  (void)readable;
  return same_name(name, kNames[id]) ? static_cast<HeaderId>(id) : HeaderId::other;
}

// What next_line() and split_header() make of nearly every header line, in one step: printable ASCII, one
// piece, CRLF, a good name of at most 16 octets. Returns the place behind the line; nullptr when the line at
// `p` is none of those, or not complete, and nothing can be said about it here. `base` is where the head
// begins, at or before p.
[[gnu::always_inline]] inline const char* take_plain_header(const char* base, const char* p, const char* end,
                                                            Header& header) {
  if (end - p < 16) return nullptr;
  const char* const stop = find_unprintable(base, p, end);
  if (end - stop < 3) return nullptr;
  if (stop[0] != '\r' || stop[1] != '\n' || stop[2] == ' ' || stop[2] == '\t') return nullptr;
  const std::size_t name_size = find_char({p, 16}, ':');
  const char* value = p + name_size + 1;
  if (value > stop || value[-1] != ':') return nullptr;
  const std::string_view name(p, name_size);
  header.id = find_name(name, 16);
  if (header.id == HeaderId::other && !is_token(name)) return nullptr;
  header.name = name;
  if (*value == ' ') ++value;
  while (*value == ' ') ++value;
  const char* value_end = stop;
  while (value_end > value && value_end[-1] == ' ') --value_end;
  header.value = {value, static_cast<std::size_t>(value_end - value)};
  header.line = {p, static_cast<std::size_t>(stop + 2 - p)};
  header.non_ascii = false;
  return stop + 2;
}

}  // namespace sipward::sip::lexer
