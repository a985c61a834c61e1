#include <algorithm>

#include "sipward/build_context.hpp"

namespace sipward {

std::shared_ptr<void> ProtectedAddresses::add(std::string_view why, std::vector<Address> addresses) {
  auto entry = std::make_shared<Entry>(Entry{std::string(why), std::move(addresses)});
  std::vector<std::shared_ptr<std::function<void()>>> watchers;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(entries_, [](const auto& weak) { return weak.expired(); });
    entries_.push_back(entry);
    for (const auto& weak : watchers_)
      if (auto watcher = weak.lock()) watchers.push_back(std::move(watcher));
  }
  for (const auto& watcher : watchers) (*watcher)();
  return entry;
}

std::shared_ptr<void> ProtectedAddresses::watch(std::function<void()> changed) {
  auto watcher = std::make_shared<std::function<void()>>(std::move(changed));
  std::lock_guard lock(mutex_);
  std::erase_if(watchers_, [](const auto& weak) { return weak.expired(); });
  watchers_.push_back(watcher);
  return watcher;
}

std::string ProtectedAddresses::why(const Address& address) const {
  return why(Cidr{address, address.is_v4() ? 32U : 128U});
}

std::string ProtectedAddresses::why(const Cidr& prefix) const {
  std::lock_guard lock(mutex_);
  for (const auto& weak : entries_) {
    const auto entry = weak.lock();
    if (entry && std::any_of(entry->addresses.begin(), entry->addresses.end(),
                             [&](const Address& a) { return prefix.contains(a); }))
      return entry->why;
  }
  return {};
}

}  // namespace sipward
