#include "sipward/sip/message.hpp"

#include <algorithm>

#include "header_names.hpp"
#include "lexer.hpp"

namespace sipward::sip {

namespace {

using lexer::Found;

enum Cached : std::uint8_t { kVia = 1, kFrom = 2, kTo = 4, kCseq = 8, kUri = 16 };

constexpr Defects kUnframed = {Defect::content_length_syntax,  Defect::content_length_duplicate,
                               Defect::content_length_missing, Defect::body_short,
                               Defect::unterminated_line,      Defect::start_line_too_long,
                               Defect::head_too_long,          Defect::header_too_long,
                               Defect::too_many_headers,       Defect::message_too_long};

bool is_text(std::string_view content_type) {
  const std::size_t end = content_type.find_first_of("; \t\r\n");
  const std::string_view type = content_type.substr(0, end);
  return type.empty() || iequals(type, "application/sdp") || iequals(type.substr(0, 5), "text/");
}

}  // namespace

void Message::reset(Framing framing) {
  octets_ = head_ = body_ = start_line_ = method_name_ = request_uri_ = version_ = reason_ = {};
  leading_ = trailing_ = 0;
  content_length_.reset();
  defects_ = {};
  status_ = 0;
  kind_ = Kind::not_sip;
  framing_ = framing;
  method_ = Method::other;
  cached_ = 0;
  non_ascii_ = false;
  count_ = {};
  headers_ = inline_.data();
  header_count_ = 0;
}

void Message::parse(std::string_view octets, Framing framing, const Limits& limits) {
  reset(framing);
  leading_ = lexer::skip_line_ends(octets);
  const std::string_view all = octets.substr(leading_);
  octets_ = all;

  LineState lines;
  lexer::Line line;
  ContentLength length;
  std::size_t headers = 0;
  const std::size_t room = std::min(limits.headers, kMaxHeaders);
  Header beyond;  // what there is no room for is split all the same, because the body must be found
  Found found;
  while ((found = lexer::next_line(lines, all, true, line)) == Found::line) {
    non_ascii_ |= line.non_ascii;
    if (start_line_.data() == nullptr) {
      take_start_line(line, limits);
      if (kind_ == Kind::not_sip) break;  // not worth splitting any further
    } else {
      if (line.text.size() > limits.header) defects_.add(Defect::header_too_long);
      if (++headers > limits.headers) defects_.add(Defect::too_many_headers);
      Header& header = header_count_ < room ? next_slot() : beyond;
      if (lexer::split_header(line, header, defects_)) {
        if (header.id == HeaderId::content_length) length.add(header.value);
        if (header_count_ < room) add_header(header.id);
      }
    }
    take_plain_headers(all, lines, length, headers, limits);
  }
  defects_ |= lines.defects;
  if (kind_ == Kind::not_sip) return;
  if (found == Found::end_of_input) defects_.add(Defect::no_end_of_headers);
  head_ = all.substr(0, lines.line);
  if (head_.size() > limits.head) defects_.add(Defect::head_too_long);

  if (!length.ok) defects_.add(Defect::content_length_syntax);
  if (length.seen > 1) defects_.add(Defect::content_length_duplicate);
  if (length.seen == 0 && framing == Framing::stream) defects_.add(Defect::content_length_missing);
  if (length.seen > 0 && length.ok) content_length_ = length.octets;
  cut_body(all.substr(head_.size()), limits);
}

void Message::take_start_line(const lexer::Line& line, const Limits& limits) {
  const lexer::StartLine start = lexer::split_start_line(line.content);
  start_line_ = line.content;
  kind_ = start.kind;
  defects_ |= start.defects;
  version_ = start.version;
  status_ = start.status;
  reason_ = start.reason;
  method_name_ = start.method;
  request_uri_ = start.uri;
  if (kind_ == Kind::request) method_ = parse_method(start.method);
  if (start.method.size() > limits.method) defects_.add(Defect::method_too_long);
  if (line.text.size() > limits.start_line) defects_.add(Defect::start_line_too_long);
}

// Takes headers as long as nothing about them is special; what is left next_line() takes up. Stops where the
// inline room ends.
void Message::take_plain_headers(std::string_view all, LineState& lines, ContentLength& length,
                                 std::size_t& headers, const Limits& limits) {
  if (lines.looked != lines.line || headers_ != inline_.data() || headers >= limits.headers) return;
  const char* const base = all.data();
  const char* const end = base + all.size();
  const char* at = base + lines.line;
  const std::size_t room = std::min(header_count_ + (limits.headers - headers), kInline);
  std::size_t n = header_count_;
  for (; n < room; ++n) {
    Header& header = inline_[n];
    const char* const next = lexer::take_plain_header(base, at, end, header);
    if (next == nullptr || static_cast<std::size_t>(next - at) > limits.header) break;
    at = next;
    if (header.id == HeaderId::content_length) length.add(header.value);
    const auto id = static_cast<std::size_t>(header.id);
    if (count_[id]++ == 0) first_[id] = static_cast<std::uint16_t>(n);
  }
  headers += n - header_count_;
  header_count_ = n;
  lines.line = lines.physical = lines.looked = static_cast<std::size_t>(at - base);
}

Header& Message::next_slot() {
  if (header_count_ == kInline && headers_ == inline_.data()) {
    spill_.resize(kMaxHeaders);
    std::copy(inline_.begin(), inline_.end(), spill_.begin());
    headers_ = spill_.data();
  }
  return headers_[header_count_];
}

void Message::add_header(HeaderId header) {
  const auto id = static_cast<std::size_t>(header);
  if (count_[id]++ == 0) first_[id] = static_cast<std::uint16_t>(header_count_);
  ++header_count_;
}

void Message::cut_body(std::string_view rest, const Limits& limits) {
  std::size_t size = rest.size();
  if (content_length_ && !defects_.has(Defect::content_length_duplicate)) {
    if (*content_length_ > rest.size()) {
      defects_.add(Defect::body_short);
    } else {
      size = static_cast<std::size_t>(*content_length_);
    }
    if (*content_length_ > limits.message) defects_.add(Defect::message_too_long);
  } else if (framing_ == Framing::stream) {
    size = 0;  // never guess (RFC 3261 18.3)
  } else if (count(HeaderId::content_length) == 0 && is_text(value(HeaderId::content_type))) {
    // Padding of NULs after a body whose end nobody stated.
    while (size > 0 && rest[size - 1] == '\0') --size;
  }
  body_ = rest.substr(0, size);
  trailing_ = rest.size() - size;
  octets_ = octets_.substr(0, head_.size() + size);
  if (octets_.size() > limits.message) defects_.add(Defect::message_too_long);
}

bool Message::framed() const {
  if (kind_ == Kind::not_sip || defects_.any_of(kUnframed)) return false;
  return framing_ == Framing::datagram || !defects_.has(Defect::no_end_of_headers);
}

std::size_t Message::count(HeaderId id) const {
  return count_[static_cast<std::size_t>(id)];
}

const Header* Message::header(HeaderId id) const {
  return count(id) == 0 ? nullptr : &headers_[first_[static_cast<std::size_t>(id)]];
}

const Header* Message::header(std::string_view name) const {
  for (const Header& h : headers()) {
    if (iequals(h.name, name)) return &h;
  }
  return nullptr;
}

std::string_view Message::value(HeaderId id) const {
  const Header* h = header(id);
  return h == nullptr ? std::string_view{} : h->value;
}

const Via& Message::via() {
  if ((cached_ & kVia) == 0) {
    via_ = parse_via(value(HeaderId::via));
    cached_ |= kVia;
  }
  return via_;
}

const NameAddr& Message::from() {
  if ((cached_ & kFrom) == 0) {
    from_ = parse_name_addr(value(HeaderId::from));
    cached_ |= kFrom;
  }
  return from_;
}

const NameAddr& Message::to() {
  if ((cached_ & kTo) == 0) {
    to_ = parse_name_addr(value(HeaderId::to));
    cached_ |= kTo;
  }
  return to_;
}

const CSeq& Message::cseq() {
  if ((cached_ & kCseq) == 0) {
    cseq_ = parse_cseq(value(HeaderId::cseq));
    cached_ |= kCseq;
  }
  return cseq_;
}

const Uri& Message::uri() {
  if ((cached_ & kUri) == 0) {
    uri_ = parse_uri(request_uri_);
    cached_ |= kUri;
  }
  return uri_;
}

std::optional<unsigned> Message::max_forwards() const {
  const auto n = parse_number(value(HeaderId::max_forwards));
  if (!n || *n >= (1ULL << 31)) return std::nullopt;
  return static_cast<unsigned>(*n);
}

std::optional<std::uint32_t> Message::expires() const {
  const std::string_view text = value(HeaderId::expires);
  const auto n = parse_number(text);
  constexpr std::uint64_t kMost = 0xFFFFFFFF;
  if (n) return static_cast<std::uint32_t>(std::min(*n, kMost));
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   [](char c) { return lexer::is(c, lexer::kDigit); });
  return digits ? std::optional<std::uint32_t>(kMost) : std::nullopt;
}

bool ValueReader::next(std::string_view& element) {
  while (true) {
    if (open_ && list_.next(element)) return true;
    ok_ = ok_ && list_.ok();
    open_ = false;
    while (!headers_.empty() && headers_.front().id != id_) headers_ = headers_.subspan(1);
    if (headers_.empty()) return false;
    list_ = ListReader(headers_.front().value);
    headers_ = headers_.subspan(1);
    open_ = true;
  }
}

}  // namespace sipward::sip
