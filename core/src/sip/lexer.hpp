#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sipward/sip/message.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// The one splitter of head sections: Message, Framer and everything that rewrites go through it, so that no
// two of them can see a line or a Content-Length differently.
namespace sipward::sip::lexer {

enum CharClass : std::uint8_t {
  kToken = 1,  // RFC 3261 25.1 token
  kHost = 2,   // letters, digits, - . and _ which names in the field have
  kDigit = 4,
  kHex = 8,
  kAlpha = 16,
  kSpace = 32,       // SP, HTAB, and the CR LF of a fold
  kUnreserved = 64,  // RFC 3261 25.1 unreserved: alphanum and mark
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> t{};
  const auto put = [&t](std::string_view chars, unsigned bits) {
    for (char c : chars) t[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(bits);
  };
  put("abcdefABCDEF", kHex | kAlpha);
  put("ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ", kAlpha);
  put("0123456789", kDigit | kHex);
  for (auto& c : t) {
    if ((c & (kAlpha | kDigit)) != 0) c |= kToken | kHost | kUnreserved;
  }
  put("-.!%*_+`'~", kToken);
  put("-._", kHost);
  put("-_.!~*'()", kUnreserved);
  put(" \t\r\n", kSpace);
  return t;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

constexpr bool is(char c, unsigned classes) {
  return (kClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

// Only for octets that are letters; enough to compare names.
constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool is_control(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && u != '\t') || u == 0x7F;
}

// The first control octet other than HTAB in [p, end), or end. Sets non_ascii when it passed an octet >=
// 0x80.
inline const char* find_control(const char* p, const char* end, bool& non_ascii) {
#if defined(__SSE2__)
  const __m128i limit = _mm_set1_epi8(0x1F);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7F);
  while (end - p >= 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i low = _mm_andnot_si128(_mm_cmpeq_epi8(v, tab), _mm_cmpeq_epi8(_mm_min_epu8(v, limit), v));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(v, del))));
    const auto high = static_cast<unsigned>(_mm_movemask_epi8(v));
    if (found != 0) {
      const unsigned before = (found & (0U - found)) - 1;
      non_ascii |= (high & before) != 0;
      return p + __builtin_ctz(found);
    }
    non_ascii |= high != 0;
    p += 16;
  }
#endif
  for (; p != end; ++p) {
    if (is_control(*p)) return p;
    non_ascii |= static_cast<unsigned char>(*p) >= 0x80;
  }
  return end;
}

// As iequals(), for literals of known length at the place of the call.
template <std::size_t N>
constexpr bool named(std::string_view text, const char (&name)[N]) {
  if (text.size() != N - 1) return false;
  for (std::size_t i = 0; i < N - 1; ++i) {
    if (lower(text[i]) != lower(name[i])) return false;
  }
  return true;
}

inline std::string_view trim_space(std::string_view text) {
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (begin != end && is(text[begin], kSpace)) ++begin;
  while (end != begin && is(text[end - 1], kSpace)) --end;
  return {text.data() + begin, end - begin};
}

// The first `c` in the text, or its size.
inline std::size_t find_char(std::string_view text, char c) {
  std::size_t i = 0;
#if defined(__SSE2__)
  const __m128i wanted = _mm_set1_epi8(c);
  for (; text.size() - i >= 16; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, wanted)));
    if (found != 0) return i + static_cast<unsigned>(__builtin_ctz(found));
  }
#endif
  while (i < text.size() && text[i] != c) ++i;
  return i;
}

// Where an unquoted parameter value ends: at ; or , or white space (or another octet below it), or at the
// end.
inline std::size_t find_value_end(std::string_view text) {
  std::size_t i = 0;
#if defined(__SSE2__)
  for (; text.size() - i >= 16; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x20)), v);
    const __m128i marks =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(';')), _mm_cmpeq_epi8(v, _mm_set1_epi8(',')));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, marks)));
    if (found != 0) return i + static_cast<unsigned>(__builtin_ctz(found));
  }
#endif
  while (i < text.size() && text[i] != ';' && text[i] != ',' && static_cast<unsigned char>(text[i]) > 0x20)
    ++i;
  return i;
}

// True when the text holds one of the octets that parse_uri() must look at: below 0x21, 0x7F, % < >.
inline bool has_uri_special(std::string_view text) {
  const auto special = [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u <= 0x20 || u == 0x7F || c == '%' || c == '<' || c == '>';
  };
  std::size_t i = 0;
#if defined(__SSE2__)
  if (text.size() >= 16) {
    const __m128i low = _mm_set1_epi8(0x20);
    __m128i found = _mm_setzero_si128();
    for (std::size_t left = text.size(); left != 0;) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
      const __m128i a =
          _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, low), v), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7F)));
      // '<' and '>' differ in one bit.
      const __m128i b = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(2)), _mm_set1_epi8('>'));
      found = _mm_or_si128(found, _mm_or_si128(_mm_or_si128(a, b), _mm_cmpeq_epi8(v, _mm_set1_epi8('%'))));
      left = text.size() - i - 16;
      i += left < 16 ? left : 16;  // the last block overlaps the one before
    }
    return _mm_movemask_epi8(found) != 0;
  }
#endif
  for (; i < text.size(); ++i) {
    if (special(text[i])) return true;
  }
  return false;
}

// The first octet in [p, end) that is not printable ASCII, or end. `begin` is where the readable octets
// begin, at or before p.
[[gnu::always_inline]] inline const char* find_unprintable(const char* begin, const char* p,
                                                           const char* end) {
#if defined(__SSE2__)
  // One more than the octet, as a signed number, is above 0x20 for 0x20 to 0x7E and for nothing else.
  const auto unprintable = [](const char* at) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return static_cast<unsigned>(
        _mm_movemask_epi8(_mm_cmpgt_epi8(_mm_set1_epi8(0x21), _mm_add_epi8(v, _mm_set1_epi8(1)))));
  };
  for (; end - p >= 16; p += 16) {
    const unsigned found = unprintable(p);
    if (found != 0) return p + __builtin_ctz(found);
  }
  if (p != end && end - begin >= 16) {  // the last block overlaps the one before
    const unsigned found = unprintable(end - 16) >> (16 - (end - p));
    return found != 0 ? p + __builtin_ctz(found) : end;
  }
#endif
  (void)begin;
  while (p != end && static_cast<unsigned char>(*p) - 0x20U < 0x5F) ++p;
  return p;
}

struct Line {
  std::string_view text;     // with its folds and its line end
  std::string_view content;  // without the last line end
  bool non_ascii = false;
};

enum class Found : std::uint8_t {
  line,
  end_of_head,   // the empty line; state.line is behind it
  need_more,     // not final, and the line is not complete
  end_of_input,  // final, and there was no empty line
};

inline bool is_blank(const char* p, const char* end) {
  while (p != end && is(*p, kSpace)) ++p;
  return p == end;
}

inline Found emit_line(LineState& s, const char* base, Line& line) {
  line.text = {base + s.line, s.looked - s.line};
  line.content = {base + s.line, s.content_end - s.line};
  line.non_ascii = s.non_ascii;
  s.line = s.physical = s.looked;
  s.ended = s.non_ascii = s.start_line = false;
  return Found::line;
}

// Cuts a head into logical lines: the start line, then headers with their continuation lines, then the empty
// line. Incremental: given the same octets, longer, it goes on where it stopped. `head` begins at the start
// line, whose first octet is neither CR nor LF; `final`: no more octets will come.
[[gnu::always_inline]] inline Found next_line(LineState& s, std::string_view head, bool final, Line& line) {
  const char* const base = head.data();
  const char* const end = base + head.size();
  if (s.looked == s.line &&
      s.looked < head.size()) {  // nearly every line: one piece, CRLF, and no fold behind it
    bool non_ascii = false;
    const char* const begin = base + s.line;
    const char* p = find_unprintable(base, begin, end);
    if (p != end && !is_control(*p)) p = find_control(p, end, non_ascii);
    if (end - p > 2 && p[0] == '\r' && p[1] == '\n' && p != begin && p[2] != ' ' && p[2] != '\t') {
      line.text = {begin, static_cast<std::size_t>(p + 2 - begin)};
      line.content = {begin, static_cast<std::size_t>(p - begin)};
      line.non_ascii = non_ascii;
      s.line = s.physical = s.looked = static_cast<std::size_t>(p + 2 - base);
      s.start_line = false;
      return Found::line;
    }
  }
  while (true) {
    if (s.ended) {
      if (s.looked == head.size() && !final) return Found::need_more;
      const char c = s.looked == head.size() ? '\0' : base[s.looked];
      if (c != ' ' && c != '\t') return emit_line(s, base, line);
      s.ended = false;
      s.physical = s.looked;
    }
    const char* const p = find_control(base + s.looked, end, s.non_ascii);
    if (p == end) {
      s.looked = head.size();
      if (!final) return Found::need_more;
      if (s.line == s.looked) return Found::end_of_input;
      s.content_end = s.looked;
      s.defects.add(Defect::unterminated_line);
      return emit_line(s, base, line);
    }
    const auto at = static_cast<std::size_t>(p - base);
    if (*p == '\r' && end - p >= 2 && p[1] == '\n') {
      s.looked = at + 2;
    } else if (*p == '\n') {
      s.defects.add(Defect::bare_lf);
      s.looked = at + 1;
    } else {
      if (*p == '\r' && end - p < 2 && !final) {
        s.looked = at;
        return Found::need_more;
      }
      s.defects.add(*p == '\r'   ? Defect::bare_cr
                    : *p == '\0' ? Defect::nul_in_head
                                 : Defect::control_in_head);
      s.looked = at + 1;
      continue;
    }
    s.content_end = at;
    if (at == s.line) {
      s.line = s.looked;
      return Found::end_of_head;
    }
    if (s.physical != s.line && is_blank(base + s.physical, p)) s.defects.add(Defect::blank_fold);
    // What looks like a continuation of the start line is a header line of its own, and a bad one.
    if (s.start_line) return emit_line(s, base, line);
    s.ended = true;
  }
}

// Cuts one logical header line at its colon. Adds what is wrong to `defects`; false when there is no name to
// speak of (no colon, empty name, a continuation with nothing before it).
bool split_header(const Line& line, Header& header, Defects& defects);

// How much LF and CR LF stands at the front.
std::size_t skip_line_ends(std::string_view octets);

// What a first line is. `not_sip` when it has no version of the form SIP/x.y or no method.
struct StartLine {
  Kind kind = Kind::not_sip;
  std::string_view method, uri, version, reason;
  unsigned status = 0;
  Defects defects;
};
StartLine split_start_line(std::string_view line);

}  // namespace sipward::sip::lexer
