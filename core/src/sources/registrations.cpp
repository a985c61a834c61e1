#include "sources/registrations.hpp"

#include <algorithm>

namespace sipward {
bool Registrations::add(const Endpoint& source, std::uint64_t user, std::uint64_t contact, Time expires,
                        Time now) {
  if (size_ >= limit_) sweep(now);
  auto& list = by_address_[source_of(source.address)];
  for (auto& e : list) {
    if (e.user != user || e.contact != contact) continue;
    e.expires = expires;
    e.source = source;
    return true;
  }
  if (list.size() >= kPerAddress)
    size_ -= std::erase_if(list, [&](const Entry& e) { return e.expires <= now; });
  if (size_ >= limit_ || list.size() >= kPerAddress) {
    if (list.empty()) by_address_.erase(source_of(source.address));
    return false;
  }
  list.push_back({user, contact, expires, source});
  ++size_;
  return true;
}

void Registrations::remove(const Address& address, std::uint64_t user, std::uint64_t contact) {
  const auto it = by_address_.find(source_of(address));
  if (it == by_address_.end()) return;
  size_ -= std::erase_if(
      it->second, [&](const Entry& e) { return e.user == user && (contact == 0 || e.contact == contact); });
  if (it->second.empty()) by_address_.erase(it);
}

std::size_t Registrations::count(const Address& address, Time now) const {
  const auto it = by_address_.find(source_of(address));
  if (it == by_address_.end()) return 0;
  return static_cast<std::size_t>(
      std::count_if(it->second.begin(), it->second.end(), [&](const Entry& e) { return e.expires > now; }));
}

std::size_t Registrations::count_others(const Endpoint& source, Time now) const {
  const auto it = by_address_.find(source_of(source.address));
  if (it == by_address_.end()) return 0;
  std::vector<std::uint64_t> own;
  for (const auto& e : it->second)
    if (e.source == source && e.expires > now) own.push_back(e.user);
  std::sort(own.begin(), own.end());
  return static_cast<std::size_t>(std::count_if(it->second.begin(), it->second.end(), [&](const Entry& e) {
    return e.expires > now && !std::binary_search(own.begin(), own.end(), e.user);
  }));
}

bool Registrations::has(const Address& address, std::uint64_t user, Time now) const {
  const auto it = by_address_.find(source_of(address));
  return it != by_address_.end() && std::any_of(it->second.begin(), it->second.end(), [&](const Entry& e) {
           return e.user == user && e.expires > now;
         });
}

Time Registrations::last_expiry(const Endpoint& source, Time now) const {
  Time last{};
  const auto it = by_address_.find(source_of(source.address));
  if (it == by_address_.end()) return last;
  for (const auto& e : it->second)
    if (e.source == source && e.expires > now) last = std::max(last, e.expires);
  return last;
}

void Registrations::sweep(Time now) {
  for (auto it = by_address_.begin(); it != by_address_.end();) {
    size_ -= std::erase_if(it->second, [&](const Entry& e) { return e.expires <= now; });
    it = it->second.empty() ? by_address_.erase(it) : std::next(it);
  }
}

}  // namespace sipward
