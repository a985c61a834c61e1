#include "registrar.hpp"

#include <algorithm>

#include "sipward/sip/uri.hpp"

namespace sipward::respond {
namespace {

bool same_contact(std::string_view a, std::string_view b) {
  return a == b || sip::equivalent(sip::parse_uri(a), sip::parse_uri(b));
}

}  // namespace

Registrar::Outcome Registrar::update(const Order& order, Time now, std::vector<Binding>& bindings) {
  bindings.clear();
  std::lock_guard lock(mutex_);
  const auto known = users_.find(std::string(order.user));
  std::vector<Entry> entries;
  const std::size_t before = known == users_.end() ? 0 : known->second.size();
  if (before != 0) entries = known->second;
  std::erase_if(entries, [&](const Entry& e) { return e.expires <= now; });

  // An equal CSeq is a retransmission: it asks for what is bound already.
  const auto older = [&](const Entry& e) { return e.call_id == order.call_id && order.cseq < e.cseq; };
  if (order.remove_all) {
    if (std::any_of(entries.begin(), entries.end(), older)) return Outcome::out_of_order;
    entries.clear();
  }
  for (const Contact& contact : order.contacts) {
    const auto at = std::find_if(entries.begin(), entries.end(),
                                 [&](const Entry& e) { return same_contact(e.uri, contact.uri); });
    if (at != entries.end()) {
      if (older(*at)) return Outcome::out_of_order;
      entries.erase(at);
    }
    if (contact.expires.count() == 0) continue;
    if (entries.size() >= order.max_contacts) return Outcome::full;
    entries.push_back(
        {std::string(contact.uri), std::string(order.call_id), order.cseq, now + contact.expires});
  }
  if (entries.size() > before && bindings_ - before + entries.size() > kMaxBindings) return Outcome::full;

  for (const Entry& e : entries) {
    bindings.push_back({e.uri, std::chrono::ceil<std::chrono::seconds>(e.expires - now)});
  }
  bindings_ = bindings_ - before + entries.size();
  if (entries.empty()) {
    if (known != users_.end()) users_.erase(known);
  } else if (known != users_.end()) {
    known->second = std::move(entries);
  } else {
    users_.emplace(order.user, std::move(entries));
  }
  return Outcome::done;
}

}  // namespace sipward::respond
