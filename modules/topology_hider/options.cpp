#include "options.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "sipward/sip/header.hpp"

namespace sipward::topology_hider {
namespace {

constexpr std::string_view kInbound = "inbound";
constexpr std::size_t kMaxHost = 253;
constexpr std::size_t kMinKey = 16;

// Without these a message can't be read, answered or put to its transaction (RFC 3261 8.1.1, 18.3).
constexpr std::array kNeeded{
    sip::HeaderId::via,          sip::HeaderId::from,         sip::HeaderId::to,
    sip::HeaderId::call_id,      sip::HeaderId::cseq,         sip::HeaderId::max_forwards,
    sip::HeaderId::contact,      sip::HeaderId::content_type, sip::HeaderId::content_length,
    sip::HeaderId::record_route, sip::HeaderId::route};

// The host of a SIP URI: a name, IPv4, or IPv6 in brackets (RFC 3261 25.1).
bool is_host(std::string_view text) {
  if (Address::parse(text)) return true;
  return !text.empty() && text.size() <= kMaxHost && text.front() != '-' && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                  c == '.';
         });
}

void read_host(config::Reader& r, std::string_view name, std::string& out) {
  r.value(name, "an address or a host name", [&](const config::Arg& arg) {
    if (!is_host(arg.text)) return false;
    out = arg.text;
    return true;
  });
}

void read_strip(config::Reader& r, Options& o) {
  std::vector<std::string> names;
  r.values(
      "headers", "names of headers such as Server",
      [&](const config::Arg& arg) {
        if (!sip::is_token(arg.text)) return false;
        const auto id = sip::parse_header_name(arg.text);
        if (std::find(kNeeded.begin(), kNeeded.end(), id) != kNeeded.end()) {
          r.errors().add(arg.position, "strip_headers can't take off " + std::string(sip::to_string(id)) +
                                           ": no message is whole without it");
        }
        names.push_back(arg.text);
        return true;
      },
      config::Place::argument);
  const bool inbound = !names.empty() && names.front() == kInbound;
  auto& list = inbound ? o.strip_inbound : o.strip_outbound;
  list.insert(list.end(), names.begin() + (inbound ? 1 : 0), names.end());
  if (names.size() == (inbound ? 1U : 0U)) r.error("headers", "strip_headers wants names of headers");
}

}  // namespace

Options read_options(const config::Node& node, config::Errors& errors) {
  Options o;
  config::Reader r(node, errors);
  read_host(r, "proxy_host", o.proxy_host);
  r.number("proxy_port", o.proxy_port, 1, 65535);
  config::UpstreamAddress upstream;
  if (r.upstream("upstream", upstream)) o.upstream = upstream;
  r.flag("rewrite_via", o.rewrite_via);
  r.flag("rewrite_contact", o.rewrite_contact);
  r.blocks("strip_headers", [&](config::Reader& b) { read_strip(b, o); });
  r.flag("hide_private_ips", o.hide_private_ips);
  r.cidrs("internal_networks", o.internal_networks);
  r.flag("anonymize_call_id", o.anonymize_call_id);
  read_host(r, "contact_host", o.contact_host);
  r.value("media_address", "an address", [&](const config::Arg& arg) {
    o.media_address = Address::parse(arg.text);
    return o.media_address.has_value() && !o.media_address->is_unspecified();
  });
  r.value("key", "a secret of at least 16 octets", [&](const config::Arg& arg) {
    o.key = arg.text;
    return o.key.size() >= kMinKey;
  });
  r.finish();
  if ((o.rewrite_via || o.rewrite_contact) && !r.given("proxy_host")) {
    r.error(o.rewrite_via ? "rewrite_via" : "rewrite_contact",
            "needs proxy_host: the address that is shown instead");
  }
  errors.not_active(node.position, "sip_topology_hider");
  return o;
}

}  // namespace sipward::topology_hider
