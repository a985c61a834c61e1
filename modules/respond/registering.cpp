#include "registering.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace sipward::respond {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxContacts = 20;  // in one REGISTER

seconds whole(std::chrono::milliseconds duration) {
  return std::chrono::ceil<seconds>(duration);
}

// What the client asks for: its own parameter, else the Expires header, else our longest (RFC 3261 10.2.1.1).
// A value that can't be read is as good as none.
seconds wanted(const Request& r, const sip::NameAddr& contact) {
  const seconds longest = whole(r.options.max_expires);
  std::optional<std::uint64_t> asked = r.message.expires();
  if (const auto own = sip::find_parameter(contact.parameters, "expires")) {
    if (const auto number = sip::parse_number(*own)) asked = number;
  }
  if (!asked || *asked >= static_cast<std::uint64_t>(longest.count())) return longest;
  return seconds(static_cast<seconds::rep>(*asked));
}

// Reads the Contact headers into the order; answers and returns false when they can't be followed.
bool read_contacts(const Request& r, Registrar::Order& order) {
  auto& contacts = r.calls.contacts;
  contacts.clear();
  sip::ValueReader reader(r.message, sip::HeaderId::contact);
  for (std::string_view element; reader.next(element);) {
    const sip::NameAddr contact = sip::parse_name_addr(element);
    if (contact.star) {
      order.remove_all = true;
      continue;
    }
    const sip::Uri uri = sip::parse_uri(contact.uri);
    if (!contact.ok || !uri.ok || uri.escaped_crlf || uri.escaped_nul) return r.answer(400), false;
    if (contact.uri.size() > Registrar::kMaxUri || contacts.size() == kMaxContacts)
      return r.answer(513), false;
    const seconds expires = wanted(r, contact);
    if (const seconds shortest = whole(r.options.min_expires); expires.count() != 0 && expires < shortest) {
      r.answer(423, "Min-Expires: " + std::to_string(shortest.count()) + "\r\n");
      return false;
    }
    contacts.push_back({contact.uri, expires});
  }
  // RFC 3261 10.2.2: the star stands alone, and only with Expires: 0.
  const bool star_alone = contacts.empty() && r.message.expires() == std::optional<std::uint32_t>(0);
  if (!reader.ok() || (order.remove_all && !star_alone)) return r.answer(400), false;
  order.contacts = contacts;
  return true;
}

}  // namespace

void take_register(const Request& r) {
  const sip::Uri aor = sip::parse_uri(r.message.to().uri);
  if (!aor.ok) return r.answer(400);
  if (!r.knows(aor)) return r.answer(404);

  std::array<char, 256> buffer;
  Registrar::Order order{.user = sip::normalise_user(aor.user, buffer, aor.scheme),
                         .call_id = r.message.call_id(),
                         .cseq = r.message.cseq().number,
                         .contacts = {},
                         .remove_all = false,
                         .max_contacts = r.options.max_contacts};
  if (!read_contacts(r, order)) return;
  switch (r.exchange.registrar().update(order, r.packet.now(), r.calls.bindings)) {
    case Registrar::Outcome::out_of_order:
      return r.answer(500);
    case Registrar::Outcome::full:
      return r.answer(503, kTryAgain);
    case Registrar::Outcome::done:
      break;
  }
  std::string& headers = r.calls.headers;
  headers.clear();
  for (const auto& binding : r.calls.bindings) {
    headers.append("Contact: <").append(binding.uri).append(">;expires=");
    headers.append(std::to_string(binding.left.count())).append("\r\n");
  }
  r.answer(200, headers);
}

}  // namespace sipward::respond
