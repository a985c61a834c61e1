#include "lexer.hpp"

namespace sipward::sip::lexer {

namespace {

// SIP "/" 1*DIGIT "." 1*DIGIT; the letters without case (RFC 3261 7.1).
bool is_version(std::string_view text) {
  if (text == "SIP/2.0") return true;
  if (text.size() < 7 || !iequals(text.substr(0, 4), "SIP/")) return false;
  std::size_t i = 4;
  while (i < text.size() && is(text[i], kDigit)) ++i;
  if (i == 4 || i + 1 >= text.size() || text[i] != '.') return false;
  for (++i; i < text.size(); ++i) {
    if (!is(text[i], kDigit)) return false;
  }
  return true;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

void split_status_line(std::string_view line, std::size_t space, StartLine& out) {
  out.kind = Kind::response;
  out.version = line.substr(0, space);
  if (out.version.substr(4) != "2.0") out.defects.add(Defect::bad_version);
  std::string_view rest = line.substr(space + 1);
  while (!rest.empty() && is_blank(rest.front())) {
    out.defects.add(Defect::start_line_spaces);
    rest.remove_prefix(1);
  }
  std::size_t digits = 0;
  while (digits < rest.size() && is(rest[digits], kDigit)) ++digits;
  if (digits == 3) {
    const unsigned status = static_cast<unsigned>(rest[0] - '0') * 100 +
                            static_cast<unsigned>(rest[1] - '0') * 10 + static_cast<unsigned>(rest[2] - '0');
    if (status >= 100 && status <= 699) out.status = status;
  }
  if (digits == rest.size()) {
    out.defects.add(Defect::no_reason_space);
  } else if (rest[digits] == ' ') {
    out.reason = rest.substr(digits + 1);
  } else {
    out.status = 0;
  }
  if (out.status == 0) out.defects.add(Defect::bad_status);
}

}  // namespace

StartLine split_start_line(std::string_view line) {
  StartLine out;
  const std::size_t space = find_char(line, ' ');
  if (space == line.size() || space == 0) return out;
  if (is_version(line.substr(0, space))) {
    split_status_line(line, space, out);
    return out;
  }
  std::string_view trimmed = line;
  while (is_blank(trimmed.back())) trimmed.remove_suffix(1);
  if (trimmed.size() != line.size()) out.defects.add(Defect::start_line_spaces);
  std::size_t last = trimmed.size();
  while (last > 0 && !is_blank(trimmed[last - 1])) --last;
  if (last <= space) return out;
  --last;
  out.version = trimmed.substr(last + 1);
  if (!is_version(out.version)) return out;
  out.method = trimmed.substr(0, space);
  if (!is_token(out.method)) return out;
  out.kind = Kind::request;
  if (out.version.substr(4) != "2.0") out.defects.add(Defect::bad_version);
  if (last == space) {  // two parts only: a Request-URI is missing, which is the URI's flaw
    return out;
  }
  out.uri = trimmed.substr(space + 1, last - space - 1);
  const std::size_t written = out.uri.size();
  while (!out.uri.empty() && is_blank(out.uri.front())) out.uri.remove_prefix(1);
  while (!out.uri.empty() && is_blank(out.uri.back())) out.uri.remove_suffix(1);
  if (out.uri.size() != written || trimmed[last] != ' ') out.defects.add(Defect::start_line_spaces);
  return out;
}

bool split_header(const Line& line, Header& header, Defects& defects) {
  const std::string_view text = line.content;
  header.line = line.text;
  header.non_ascii = line.non_ascii;
  if (is(text.front(), kSpace)) {
    defects.add(Defect::fold_first);
    return false;
  }
  const std::size_t colon = find_char(text, ':');
  if (colon == text.size()) {
    defects.add(Defect::no_colon);
    return false;
  }
  std::size_t name = colon;
  while (name > 0 && is_blank(text[name - 1])) --name;
  header.name = text.substr(0, name);
  header.id = parse_header_name(header.name);
  if (header.id == HeaderId::other && !is_token(header.name)) {  // the names of the list are tokens
    defects.add(Defect::bad_header_name);
    return false;
  }
  header.value = trim_space(text.substr(colon + 1));
  return true;
}

std::size_t skip_line_ends(std::string_view octets) {
  std::size_t i = 0;
  while (i < octets.size()) {
    if (octets[i] == '\n') {
      ++i;
    } else if (octets[i] == '\r' && i + 1 < octets.size() && octets[i + 1] == '\n') {
      i += 2;
    } else {
      break;
    }
  }
  return i;
}

}  // namespace sipward::sip::lexer

namespace sipward::sip {

void ContentLength::add(std::string_view value) {
  ++seen;
  const auto number = parse_number(value);
  ok = ok && number.has_value() && *number >> 63 == 0;
  if (number) octets = *number;
}

}  // namespace sipward::sip
