#include "upstream.hpp"

#include <algorithm>
#include <map>

namespace sipward::proxy {
namespace {

// RFC 2782 names services _service._transport.name.
std::optional<Transport> transport_of(const config::UpstreamAddress& address) {
  if (!address.srv) return address.transport;
  if (address.host.find("._udp.") != std::string::npos) return Transport::udp;
  if (address.host.find("._tcp.") != std::string::npos) return Transport::tcp;
  return std::nullopt;
}

template <class List, class AddressOf>
std::vector<Address> addresses_of(const List& list, AddressOf address_of) {
  std::vector<Address> all(list.size());
  std::transform(list.begin(), list.end(), all.begin(), address_of);
  return all;
}

}  // namespace

std::vector<Resolved> resolved_hosts(const std::vector<Endpoint>& found) {
  const bool any_v4 =
      std::any_of(found.begin(), found.end(), [](const Endpoint& e) { return e.address.is_v4(); });
  std::vector<Resolved> all;
  for (const auto& endpoint : found)
    if (!any_v4 || endpoint.address.is_v4()) all.push_back({endpoint});
  return all;
}

std::vector<Resolved> resolved_services(std::vector<ServiceTarget> found) {
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.priority < b.priority; });
  std::vector<Resolved> all;
  unsigned tier = 0;
  for (std::size_t i = 0; i < found.size(); ++tier) {
    std::size_t end = i;
    double sum = 0;
    // Weight 0 means: hardly ever, where others have one.
    const auto weight = [&](std::size_t n) { return found[n].weight == 0 ? 0.01 : found[n].weight; };
    for (; end < found.size() && found[end].priority == found[i].priority; ++end) sum += weight(end);
    const auto count = static_cast<double>(end - i);
    for (; i < end; ++i) all.push_back({found[i].endpoint, tier, weight(i) * count / sum});
  }
  return all;
}

Upstream::Upstream(const config::UpstreamAddress& address)
    : transport_(transport_of(address)), name_(address.to_string()) {}

std::shared_ptr<Upstream> Upstream::get(const config::UpstreamAddress& address, BuildContext& context) {
  return context.services.find_or_make<Upstream>("proxy/upstream/" + address.to_string(), [&] {
    auto upstream = std::make_shared<Upstream>(address);
    auto& guards = context.protected_addresses;
    if (address.srv) {
      upstream->watch_ = context.resolver.watch_service(
          address.host, [weak = std::weak_ptr(upstream), &guards](std::vector<ServiceTarget> found) {
            if (const auto self = weak.lock()) {
              auto all = addresses_of(found, [](const auto& t) { return t.endpoint.address; });
              self->take(resolved_services(std::move(found)), std::move(all), guards);
            }
          });
    } else if (address.unix_path.empty()) {
      upstream->watch_ = context.resolver.watch(
          address.host, address.port_or_default(),
          [weak = std::weak_ptr(upstream), &guards](const std::vector<Endpoint>& found) {
            if (const auto self = weak.lock())
              self->take(resolved_hosts(found), addresses_of(found, [](const auto& e) { return e.address; }),
                         guards);
          });
    }
    return upstream;
  });
}

void Upstream::take(std::vector<Resolved> found, std::vector<Address> all, ProtectedAddresses& guards) {
  protection_ = guards.add(why_protected(name_), std::move(all));
  std::vector<std::shared_ptr<std::function<void()>>> watchers;
  {
    std::lock_guard lock(mutex_);
    resolved_ = std::move(found);
    for (const auto& weak : watchers_)
      if (auto live = weak.lock()) watchers.push_back(std::move(live));
  }
  for (const auto& changed : watchers) (*changed)();
}

std::shared_ptr<void> Upstream::watch(std::function<void()> changed) {
  auto watcher = std::make_shared<std::function<void()>>(std::move(changed));
  std::lock_guard lock(mutex_);
  std::erase_if(watchers_, [](const auto& weak) { return weak.expired(); });
  watchers_.push_back(watcher);
  return watcher;
}

std::vector<Resolved> Upstream::resolved() const {
  std::lock_guard lock(mutex_);
  return resolved_;
}

std::vector<Endpoint> Upstream::addresses() const {
  std::vector<Endpoint> all;
  for (const auto& one : resolved()) all.push_back(one.endpoint);
  return all;
}

}  // namespace sipward::proxy
