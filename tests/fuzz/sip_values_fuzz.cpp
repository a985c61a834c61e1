#include <cstdint>
#include <string>
#include <vector>

#include "check.hpp"
#include "sipward/sip/values.hpp"

// The readers of header values, each on any text: what they give lies inside it, and what they call good can
// be written and read again.

using namespace sipward;
using namespace sipward::fuzz;

namespace {

std::vector<std::string> elements(std::string_view text, bool& ok) {
  sip::ListReader list(text);
  std::vector<std::string> all;
  for (std::string_view one; list.next(one);) {
    require(inside(one, text) && !one.empty());
    all.emplace_back(one);
  }
  ok = list.ok();
  return all;
}

void lists(std::string_view text) {
  bool ok = false;
  const auto all = elements(text, ok);
  if (!ok || all.empty()) return;
  std::string joined;
  for (const auto& one : all) joined.append(joined.empty() ? "" : ", ").append(one);
  require(elements(joined, ok) == all && ok);
}

std::string parameters(std::string_view text, bool& ok) {
  sip::ParameterReader reader(text);
  sip::Parameter p;
  std::string all;
  while (reader.next(p)) {
    require(inside(p.name, text) && inside(p.value, text) && sip::is_token(p.name));
    all.append(";").append(p.name);
    if (p.has_value) all.append("=").append(p.value);
  }
  require(inside(reader.rest(), text));
  ok = reader.ok() && reader.rest().empty();
  return all;
}

void parameter_lists(std::string_view text) {
  bool ok = false;
  const std::string all = parameters(text, ok);
  if (ok) require(parameters(all, ok) == all && ok);
  (void)sip::find_parameter(text, "tag");
}

std::string write(const sip::NameAddr& a) {
  if (a.star) return "*";
  std::string text(a.display);
  text.append(a.brackets ? "<" : "").append(a.uri).append(a.brackets ? ">" : "");
  if (!a.parameters.empty()) text.append(";").append(a.parameters);
  return text;
}

void name_addrs(std::string_view text) {
  const sip::NameAddr a = sip::parse_name_addr(text);
  for (const auto& part : {a.value, a.display, a.uri, a.parameters, a.tag}) require(inside(part, text));
  if (!a.ok) return;
  const std::string once = write(a);
  const sip::NameAddr again = sip::parse_name_addr(once);
  require(again.ok && again.uri == a.uri && again.tag == a.tag && write(again) == once);
}

std::string write(const sip::Via& v) {
  std::string text("SIP/2.0/");
  text.append(v.transport).append(" ").append(v.host);
  if (v.port != 0) text.append(":").append(std::to_string(v.port));
  if (!v.parameters.empty()) text.append(";").append(v.parameters);
  return text;
}

void vias(std::string_view text) {
  const sip::Via v = sip::parse_via(text);
  for (const auto& part : {v.value, v.transport, v.host, v.parameters, v.branch, v.received}) {
    require(inside(part, text));
  }
  if (!v.ok) return;
  const std::string once = write(v);
  const sip::Via again = sip::parse_via(once);
  require(again.ok && again.branch == v.branch && again.has_rport == v.has_rport && write(again) == once);
}

void numbers(std::string_view text) {
  const auto n = sip::parse_number(text);
  if (n) require(sip::parse_number(std::to_string(*n)) == n);
  const sip::CSeq c = sip::parse_cseq(text);
  require(inside(c.method_name, text));
  if (!c.ok) return;
  const std::string once = std::to_string(c.number) + " " + std::string(c.method_name);
  const sip::CSeq again = sip::parse_cseq(once);
  require(again.ok && again.number == c.number && again.method_name == c.method_name);
}

void credentials(std::string_view text) {
  const sip::AuthParams a = sip::parse_auth(text);
  const auto parts = {a.scheme, a.username, a.realm,     a.nonce, a.uri,   a.response,
                      a.opaque, a.qop,      a.algorithm, a.nc,    a.cnonce};
  for (const auto& part : parts) require(inside(part, text));
  if (!a.ok) return;
  const std::string once = std::string(a.scheme) + " realm=\"" + std::string(a.realm) + "\", nonce=\"" +
                           std::string(a.nonce) + "\"";
  const sip::AuthParams again = sip::parse_auth(once);
  require(again.ok && again.realm == a.realm && again.nonce == a.nonce);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  lists(text);
  parameter_lists(text);
  name_addrs(text);
  vias(text);
  numbers(text);
  credentials(text);
  const std::string_view trimmed = sip::trim(text);
  require(inside(trimmed, text) && sip::trim(trimmed) == trimmed);
  (void)sip::is_utf8(text);
  return 0;
}
