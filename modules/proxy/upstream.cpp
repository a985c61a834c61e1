#include "upstream.hpp"

#include <algorithm>

namespace sipward::proxy {

Upstream::Upstream(const config::UpstreamAddress& address, std::size_t workers)
    : address_(address), name_(address.to_string()) {
  readers_.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) readers_.emplace_back(resolved_);
}

std::shared_ptr<Upstream> Upstream::get(const config::UpstreamAddress& address, BuildContext& context) {
  return context.services.find_or_make<Upstream>("proxy/upstream/" + address.to_string(), [&] {
    auto upstream = std::make_shared<Upstream>(address, context.workers.count());
    if (address.srv || !address.unix_path.empty()) return upstream;
    upstream->watch_ = context.resolver.watch(
        address.host, address.port_or_default(),
        [weak = std::weak_ptr(upstream), &guards = context.protected_addresses](std::vector<Endpoint> found) {
          const auto self = weak.lock();
          if (!self) return;
          std::vector<Address> addresses(found.size());
          std::transform(found.begin(), found.end(), addresses.begin(),
                         [](const auto& e) { return e.address; });
          self->protection_ = guards.add(why_protected(self->name_), std::move(addresses));
          self->resolved_.publish(std::make_shared<const std::vector<Endpoint>>(std::move(found)));
        });
    return upstream;
  });
}

std::vector<Endpoint> Upstream::addresses() const {
  const auto found = resolved_.snapshot();
  return found ? *found : std::vector<Endpoint>{};
}

Endpoint Upstream::endpoint(std::size_t worker) const {
  const auto& found = readers_[worker].get();
  return found && !found->empty() ? found->front() : Endpoint{};
}

}  // namespace sipward::proxy
