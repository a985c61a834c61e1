#include "hop_rules.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>

namespace sipward::proxy {
namespace {

constexpr std::size_t kMaxTags = 512;  // octets of option tags that a refusal repeats

bool goes_on(const sip::Uri& uri) {
  switch (uri.scheme) {
    case sip::Scheme::sip:
    case sip::Scheme::sips:
    case sip::Scheme::tel:
      return true;
    case sip::Scheme::urn:
      return sip::iequals(uri.opaque.substr(0, 8), "service:");
    case sip::Scheme::none:
    case sip::Scheme::other:
      break;
  }
  return false;
}

// We support no extension that a proxy could be asked for.
bool asks_for_extension(const sip::Message& request, std::string& extra) {
  extra.clear();
  sip::ValueReader tags(request, sip::HeaderId::proxy_require);
  bool any = false;
  for (std::string_view tag; tags.next(tag); any = true) {
    if (!sip::is_token(tag) || extra.size() + tag.size() > kMaxTags) continue;
    extra.append(extra.empty() ? "Unsupported: " : ", ").append(tag);
  }
  if (!extra.empty()) extra.append("\r\n");
  return any;
}

}  // namespace

int refusal(sip::Message& request, std::string& extra) {
  extra.clear();
  if (!sip::iequals(request.sip_version(), "SIP/2.0")) return 505;
  if (!goes_on(request.uri())) return 416;
  const auto hops = request.max_forwards();
  if (hops == 0U) return 483;
  if (!hops && request.count(sip::HeaderId::max_forwards) != 0) return 400;
  const auto method = request.method();
  if (method != sip::Method::ack && method != sip::Method::cancel && asks_for_extension(request, extra))
    return 420;
  return 0;
}

void append(std::string& out, unsigned number) {
  std::array<char, 12> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append(std::string& out, const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text;
  const bool v4 = address.is_v4();
  if (inet_ntop(v4 ? AF_INET : AF_INET6, address.octets().data() + (v4 ? 12 : 0), text.data(), text.size()))
    out.append(text.data());
}

void append(std::string& out, const Endpoint& endpoint) {
  const bool v4 = endpoint.address.is_v4();
  if (!v4) out += '[';
  append(out, endpoint.address);
  out.append(v4 ? ":" : "]:");
  append(out, unsigned{endpoint.port});
}

void count_hop(const sip::Message& request, sip::Edit& edit, std::string& lines) {
  const auto* header = request.header(sip::HeaderId::max_forwards);
  if (!header) {
    lines.append("Max-Forwards: 70\r\n");
    return;
  }
  std::array<char, 12> digits;
  const auto left = request.max_forwards().value_or(70) - 1;
  const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), left).ptr;
  edit.replace_value(*header, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void stamp_source(const sip::Via& top, const Endpoint& source, sip::Edit& edit, std::string& scratch) {
  sip::ParameterReader parameters(top.parameters);
  for (sip::Parameter p; parameters.next(p);) {
    if (!sip::iequals(p.name, "received") && !sip::iequals(p.name, "rport")) continue;
    const auto* begin = p.name.data() - 1;
    while (*begin != ';') --begin;  // there is one: parameters follow the sent-by
    const auto* end = p.has_value ? p.value.data() + p.value.size() : p.name.data() + p.name.size();
    edit.remove({begin, static_cast<std::size_t>(end - begin)});
  }
  scratch.assign(";received=");
  append(scratch, source.address);
  scratch.append(";rport=");
  append(scratch, unsigned{source.port});
  edit.insert_after(top.value, scratch);
}

}  // namespace sipward::proxy
