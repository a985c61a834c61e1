#include "options.hpp"

#include <optional>

namespace sipward::matcher_sip {
namespace {

constexpr std::string_view kWantsPattern = "a text in which * stands for anything";
constexpr std::string_view kWantsAddress = "USER@HOST, in which * stands for anything";

std::vector<std::string> known_methods() {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < sip::kMethods; ++i) {
    names.emplace_back(sip::to_string(static_cast<sip::Method>(i)));
  }
  return names;
}

// Methods are compared with case (RFC 3261 7.1), so `invite` would match nothing that is ever sent.
bool is_method_name(std::string_view text) {
  if (!sip::is_token(text)) return false;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z') return false;
  }
  return true;
}

bool add_method(const config::Arg& arg, Options& options, config::Errors& errors) {
  if (!is_method_name(arg.text)) return false;
  options.all_methods = false;
  if (const auto method = sip::parse_method(arg.text); method != sip::Method::other) {
    options.methods.set(static_cast<std::size_t>(method));
    return true;
  }
  errors.warn(arg.position,
              config::quote(arg.text) + " is no method that sipward knows; it is matched by name",
              config::closest(arg.text, known_methods()));
  options.more_methods.push_back(arg.text);
  return true;
}

bool fits(std::string_view text) {
  return !text.empty() && text.size() <= Pattern::kMaxLength;
}

bool add_pattern(const config::Arg& arg, std::vector<Pattern>& list) {
  if (!fits(arg.text)) return false;
  list.emplace_back(arg.text, Letters::ignore_case);
  return true;
}

bool add_address(const config::Arg& arg, std::vector<AddressPattern>& list) {
  const std::string_view text = arg.text;
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || !fits(text.substr(0, at)) || !fits(text.substr(at + 1))) return false;
  list.push_back(
      {Pattern(text.substr(0, at), Letters::keep_case), Pattern(text.substr(at + 1), Letters::ignore_case)});
  return true;
}

}  // namespace

Options read_options(const config::Node& node, config::Errors& errors) {
  Options o;
  config::Reader r(node, errors);
  r.values("methods", "names of SIP methods in capitals, such as INVITE",
           [&](const config::Arg& arg) { return add_method(arg, o, errors); });
  r.values("host", kWantsPattern, [&](const config::Arg& arg) { return add_pattern(arg, o.host); });
  r.values("from", kWantsAddress, [&](const config::Arg& arg) { return add_address(arg, o.from); });
  r.values("to", kWantsAddress, [&](const config::Arg& arg) { return add_address(arg, o.to); });
  r.values("user_agent", kWantsPattern,
           [&](const config::Arg& arg) { return add_pattern(arg, o.user_agent); });
  r.finish();
  o.methods_position = r.position("methods");
  return o;
}

}  // namespace sipward::matcher_sip
