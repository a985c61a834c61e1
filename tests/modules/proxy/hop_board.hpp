#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "sipward/sip/message.hpp"
#include "switchboard.hpp"

namespace sipward::test {

// A message that came, and what a peer does with it.
struct Got {
  explicit Got(std::string text) : octets(std::move(text)) { message.parse(octets, sip::Framing::datagram); }
  Got(Got&& other) noexcept : Got(std::move(other.octets)) {}
  Got& operator=(Got&& other) noexcept {
    octets = std::move(other.octets);
    message.parse(octets, sip::Framing::datagram);
    return *this;
  }

  std::vector<std::string> values(sip::HeaderId id) const {
    std::vector<std::string> found;
    sip::ValueReader reader(message, id);
    for (std::string_view element; reader.next(element);) found.emplace_back(element);
    return found;
  }
  std::vector<std::string> uris(sip::HeaderId id) const {
    auto found = values(id);
    for (auto& value : found) value = std::string(sip::parse_name_addr(value).uri);
    return found;
  }
  std::string value(sip::HeaderId id) const { return std::string(message.value(id)); }
  std::string first_line() const { return std::string(message.start_line()); }
  std::string branch() { return std::string(message.via().branch); }

  // The answer of a user agent: it copies what RFC 3261 8.2.6.2 and 12.1.1 say.
  std::string answer(int status, const std::string& tag = "pbx", const std::string& more = {}) {
    std::string text = "SIP/2.0 " + std::to_string(status) + " Reason\r\n";
    for (const auto& h : message.headers()) {
      if (h.id == sip::HeaderId::to && message.to().tag.empty() && !tag.empty())
        text += "To: " + std::string(h.value) + ";tag=" + tag + "\r\n";
      else if (h.id == sip::HeaderId::via || h.id == sip::HeaderId::from || h.id == sip::HeaderId::to ||
               h.id == sip::HeaderId::call_id || h.id == sip::HeaderId::cseq ||
               h.id == sip::HeaderId::record_route)
        text += h.line;
    }
    return text + more + "Content-Length: 0\r\n\r\n";
  }

  std::string octets;
  sip::Message message;
};

// Whole Route lines of a list of URIs.
inline std::string routes(const std::vector<std::string>& uris) {
  std::string text;
  for (const auto& uri : uris) text += "Route: <" + uri + ">\r\n";
  return text;
}
inline std::vector<std::string> reversed(std::vector<std::string> list) {
  std::reverse(list.begin(), list.end());
  return list;
}

// A SIP hop between phones at 127.0.0.2 and up, and a PBX at 127.0.0.1.
struct HopBoard : Switchboard {
  explicit HopBoard(const std::vector<std::string>& listen = {"udp/127.0.0.1:0"}, std::size_t workers = 1)
      : Switchboard(workers) {
    proxy::Options options;
    options.source = proxy::SourceMode::sip;
    options.pool.upstreams.push_back({*config::parse_upstream("udp/pbx:5060")});
    auto handler = std::make_unique<proxy::Proxy>(options);
    BuildContext context{services, site.metrics, site.log,  site.clock, site.pool,
                         resolver, guarded,      endpoints, scope,      "/nonexistent"};
    handler->provision(context);
    site.serve(tree_of(listen, std::move(handler)));
    resolve("pbx", pbx.at);
    guard = site.bound();
  }
  // A phone's request, as the PBX got it.
  Got to_pbx(Socket& phone, const std::string& octets) {
    phone.send_to(octets, guard);
    return Got(pbx.receive());
  }
  // The PBX's request to the port it was last reached from, as the phone got it.
  Got to_phone(Socket& phone, const std::string& octets) {
    pbx.socket.send_to(octets, pbx.from);
    return Got(phone.receive());
  }
  Got answer(Socket& phone, Got& request, int status, const std::string& more = {}) {
    pbx.socket.send_to(request.answer(status, "pbx", more), pbx.from);
    return Got(phone.receive());
  }
  // A registration without digest, with this Contact.
  void enlist(Socket& phone, const std::string& contact, const std::string& more = {}) {
    auto text = numbered("REGISTER", "enlist" + contact);
    text.extra = "Contact: <" + contact + ">\r\n" + more;
    auto request = to_pbx(phone, text.request());
    answer(phone, request, 200, "Contact: <" + contact + ">;expires=60\r\n");
  }

  Upstream pbx;
  Endpoint guard;
};

inline std::string replaced(std::string text, const std::string& old, const std::string& by) {
  const auto at = text.find(old);
  return at == std::string::npos ? "nothing to replace" : text.replace(at, old.size(), by);
}

}  // namespace sipward::test
