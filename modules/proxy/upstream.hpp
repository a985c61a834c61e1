#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sipward/build_context.hpp"
#include "sipward/config.hpp"
#include "sipward/services.hpp"

namespace sipward::proxy {

// What a refusal to ban an upstream says.
inline std::string why_protected(const std::string& name) {
  return "the upstream " + name;
}

// One address of an upstream's name.
struct Resolved {
  Endpoint endpoint;
  unsigned tier = 0;  // 0 for the lowest priority of SRV records, and so on (RFC 2782)
  double share = 1;   // among those of its tier, by their SRV weights; 1 on average
  friend bool operator==(const Resolved&, const Resolved&) = default;
};
// A host that has addresses of both families is one host: its IPv4 addresses count.
std::vector<Resolved> resolved_hosts(const std::vector<Endpoint>& found);
std::vector<Resolved> resolved_services(std::vector<ServiceTarget> found);

// One upstream as it is written, and the addresses that its name has at the moment. A service: it outlives a
// reload, and its addresses are protected from bans as long as it lives. Safe to call from any thread.
class Upstream final : public Service {
 public:
  // The one of that address, made and resolving from now on if there is none. Control thread.
  static std::shared_ptr<Upstream> get(const config::UpstreamAddress& address, BuildContext& context);

  explicit Upstream(const config::UpstreamAddress& address);

  std::vector<Resolved> resolved() const;   // none while its name has not resolved
  std::vector<Endpoint> addresses() const;  // the same, only where
  // Calls `changed` each time its addresses do, on the resolver's thread, while the handle lives.
  [[nodiscard]] std::shared_ptr<void> watch(std::function<void()> changed);
  // By what messages go there; none: by what they came.
  const std::optional<Transport>& transport() const { return transport_; }
  const std::string& name() const { return name_; }

 private:
  void take(std::vector<Resolved> found, std::vector<Address> all, ProtectedAddresses& guards);

  const std::optional<Transport> transport_;
  const std::string name_;
  mutable std::mutex mutex_;
  std::vector<Resolved> resolved_;
  std::vector<std::weak_ptr<std::function<void()>>> watchers_;
  std::shared_ptr<void> protection_;  // touched on the resolver's thread
  std::shared_ptr<void> watch_;
};

}  // namespace sipward::proxy
