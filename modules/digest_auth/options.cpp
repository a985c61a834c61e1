#include "options.hpp"

#include <algorithm>

namespace sipward::digest_auth {
namespace {

constexpr std::size_t kMaxRealm = 128;

// It is written between quotes, and stands in the users' file before a colon.
bool is_realm(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRealm && std::all_of(text.begin(), text.end(), [](char c) {
    return c >= ' ' && c != '"' && c != '\\' && c != '\x7f';
  });
}

}  // namespace

Options read_options(const config::Node& node, config::Errors& errors) {
  Options o;
  o.position = node.position;
  config::Reader r(node, errors);
  r.value("realm", "a text without quotes and backslashes", [&](const config::Arg& arg) {
    o.realm = arg.text;
    return is_realm(arg.text);
  });
  r.text("users", o.users);
  r.values("algorithms", "MD5, SHA-256 or SHA-512-256", [&](const config::Arg& arg) {
    const auto algorithm = arg.text.empty() ? std::nullopt : parse_algorithm(arg.text);
    if (!algorithm) return false;
    if (std::find(o.algorithms.begin(), o.algorithms.end(), *algorithm) == o.algorithms.end())
      o.algorithms.push_back(*algorithm);
    return true;
  });
  r.flag("auth_int", o.auth_int);
  r.duration("nonce_lifetime", o.nonce_lifetime, config::Place::option, std::chrono::seconds(10),
             std::chrono::hours(24));
  r.text("key", o.key);
  r.flag("enforce_auth_aor_match", o.enforce_auth_aor_match);
  r.values("methods", "names of SIP methods in capitals, such as REGISTER", [&](const config::Arg& arg) {
    const auto method = sip::parse_method(arg.text);
    if (method == sip::Method::other || method == sip::Method::ack || method == sip::Method::cancel)
      return false;
    o.methods.set(static_cast<std::size_t>(method));
    return true;
  });
  std::string elsewhere;
  for (const auto* name : {"http", "sqlite", "diameter_cx"}) {
    r.text(name, elsewhere);
    r.not_active_yet(name);
  }
  r.require("realm");
  if (!r.given("http") && !r.given("sqlite") && !r.given("diameter_cx")) r.require("users");
  if (r.given("key") && o.key.size() < 16)
    r.error("key", "a key that can be guessed seals nothing: at least 16 octets");
  r.finish();
  return o;
}

}  // namespace sipward::digest_auth
