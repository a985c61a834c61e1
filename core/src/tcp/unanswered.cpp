#include "tcp/unanswered.hpp"

#include <algorithm>

namespace sipward {

void Unanswered::Known::add(std::uint64_t request, Time now) {
  const auto same = [&](const Entry& e) { return e.request == request; };
  if (entries_.size() >= kPerConnection || std::any_of(entries_.begin(), entries_.end(), same)) return;
  entries_.push_back({request, now + kPatience});
}

bool Unanswered::Known::remove(std::uint64_t request) {
  return std::erase_if(entries_, [&](const Entry& e) { return e.request == request; }) != 0;
}

bool Unanswered::Known::full(Time now) {
  if (entries_.size() < kPerConnection) return false;
  std::erase_if(entries_, [&](const Entry& e) { return e.until <= now; });
  return entries_.size() >= kPerConnection;
}

std::uint64_t Unanswered::key_of(const Address& source) const {
  const auto hash = keyed_hash(key_, source);
  return hash == 0 ? 1 : hash;
}

void Unanswered::add(const Address& source, ConnectionId connection, std::uint64_t request, Time now) {
  bool made = false;
  auto& stranger = strangers_.insert(key_of(source), now, made);
  const auto free = [&](const Entry& e) { return e.request == 0 || e.until <= now; };
  const auto same = [&](const Entry& e) { return e.request == request && e.until > now; };
  auto& entries = stranger.entries;
  if (std::any_of(entries.begin(), entries.end(), same)) return;
  const auto place = std::find_if(entries.begin(), entries.end(), free);
  if (place == entries.end()) return;
  *place = {request, connection, now + kPatience};
  stranger.expires = now + kPatience;
}

bool Unanswered::remove(const Address& source, std::uint64_t request, Time now) {
  auto* stranger = strangers_.find(key_of(source), now);
  if (!stranger) return false;
  const auto at = std::find_if(stranger->entries.begin(), stranger->entries.end(),
                               [&](const Entry& e) { return e.request == request; });
  if (at == stranger->entries.end()) return false;
  *at = {};
  return true;
}

void Unanswered::forget(const Address& source, ConnectionId connection, Time now) {
  auto* stranger = strangers_.find(key_of(source), now);
  if (!stranger) return;
  for (auto& entry : stranger->entries)
    if (entry.connection == connection) entry = {};
}

bool Unanswered::full(const Address& source, Time now) const {
  const auto* stranger = strangers_.find(key_of(source), now);
  return stranger && std::all_of(stranger->entries.begin(), stranger->entries.end(),
                                 [&](const Entry& e) { return e.request != 0 && e.until > now; });
}

}  // namespace sipward
