#include "regexp_matcher.hpp"

#include "sipward/byte_stream.hpp"
#include "sipward/packet.hpp"

namespace sipward::layer4 {
namespace {

constexpr std::int64_t kMaxMemory = 1 << 20;  // of one pattern's automata
constexpr std::size_t kMostOctets = 4096;

// Octets, not characters: \xff is the octet 255, and . any octet but a line feed.
re2::RE2::Options octets() {
  re2::RE2::Options options(re2::RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  return options;
}

}  // namespace

RegexpOptions read_regexp(const config::Node& node, config::Errors& errors) {
  RegexpOptions o;
  config::Reader r(node, errors);
  std::string fault;
  const auto compile = [&](const config::Arg& arg) {
    o.pattern = std::make_shared<const re2::RE2>(arg.text, octets());
    if (!o.pattern->ok()) fault = o.pattern->error();
    return true;
  };
  r.value("pattern", "a regular expression as RE2 knows them", compile, config::Place::argument);
  r.number("count", o.count, 1, kMostOctets, config::Place::argument);
  if (!fault.empty()) r.error("pattern", "this is no regular expression that RE2 takes: " + fault);
  r.require("pattern");
  r.finish();
  return o;
}

bool RegexpMatcher::fits(std::string_view octets) const {
  const auto part = octets.substr(0, options_.count);
  return re2::RE2::PartialMatch(re2::StringPiece(part.data(), part.size()), *options_.pattern);
}

Match RegexpMatcher::match(Packet& packet) const {
  return fits(packet.octets()) ? Match::yes : Match::no;
}

Match RegexpMatcher::match_start(const StreamStart& start) const {
  if (start.octets.size() < options_.count && !start.complete) return Match::need_more;
  return fits(start.octets) ? Match::yes : Match::no;
}

}  // namespace sipward::layer4
