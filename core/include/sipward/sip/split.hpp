#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace sipward::sip {

// What splitting noticed. It judges nothing; the validator does.
enum class Defect : std::uint8_t {
  nul_in_head,        // octet 0 before the body
  control_in_head,    // 0x01–0x1F without HTAB, CR, LF; 0x7F
  bare_lf,            // taken as a line end all the same
  bare_cr,            // never a line end
  unterminated_line,  // the last header line has no line end
  no_end_of_headers,  // no empty line
  no_colon,           // a header line without one
  bad_header_name,    // empty, or not a token
  fold_first,         // the first header line is a continuation
  blank_fold,         // a continuation of white space only
  start_line_spaces,  // not exactly one SP between the parts, or white space at the end
  method_too_long,
  bad_version,               // SIP/x.y other than 2.0
  bad_status,                // not three digits in 100–699
  no_reason_space,           // a status line without the SP after the code
  content_length_syntax,     // not 1*DIGIT below 2^63
  content_length_duplicate,  // more than one, in any form
  content_length_missing,    // streams only
  body_short,                // fewer octets than Content-Length says
  start_line_too_long,
  head_too_long,
  header_too_long,
  too_many_headers,
  message_too_long,
};

class Defects {
 public:
  constexpr Defects() = default;
  constexpr Defects(std::initializer_list<Defect> list) {
    for (Defect d : list) add(d);
  }
  constexpr void add(Defect defect) { bits_ |= bit(defect); }
  constexpr Defects& operator|=(Defects others) {
    bits_ |= others.bits_;
    return *this;
  }
  constexpr bool has(Defect defect) const { return (bits_ & bit(defect)) != 0; }
  constexpr bool any_of(Defects others) const { return (bits_ & others.bits_) != 0; }
  constexpr bool none() const { return bits_ == 0; }
  friend constexpr bool operator==(Defects, Defects) = default;

 private:
  static constexpr std::uint32_t bit(Defect d) { return 1U << static_cast<unsigned>(d); }
  std::uint32_t bits_ = 0;
};

// How far the splitter got in a head: what Framer keeps between two reads. Offsets count from the start line.
struct LineState {
  std::size_t line = 0;         // the logical line not yet emitted
  std::size_t physical = 0;     // the line of text within it
  std::size_t looked = 0;       // octets before this are not looked at again
  std::size_t content_end = 0;  // end of the line of text, without its line end
  bool ended = false;           // a line of text ended at `looked`; a fold may follow
  bool start_line = true;
  bool non_ascii = false;
  Defects defects;
};

// The Content-Length of a message, read header by header.
struct ContentLength {
  unsigned seen = 0;
  bool ok = true;
  std::uint64_t octets = 0;  // of the last readable one

  void add(std::string_view value);
};

}  // namespace sipward::sip
