#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/config.hpp"
#include "sipward/http.hpp"
#include "sipward/log.hpp"
#include "sipward/metrics.hpp"
#include "sipward/services.hpp"
#include "sipward/worker.hpp"

namespace sipward {

// What several directives of one configuration share while it is read, judged and provisioned: two
// `sip_guardian` blocks of one name collect their options in one place. Ends with its configuration.
class BuildScope {
 public:
  template <class T>
  T& get(std::string_view name) {
    auto& slot = slots_[std::string(name)];
    if (!slot) slot = std::make_shared<T>();
    return *static_cast<T*>(slot.get());
  }
  template <class T>
  std::shared_ptr<T> share(std::string_view name) {
    get<T>(name);
    return std::static_pointer_cast<T>(slots_[std::string(name)]);
  }

 private:
  std::map<std::string, std::shared_ptr<void>, std::less<>> slots_;
};

// Addresses that no rule, feed or person can ban: upstreams, resolvers, the default gateway, the addresses
// that listeners bind. Safe to call from any thread.
class ProtectedAddresses {
 public:
  // Protects them until the returned handle ends; `why` is what the refusal says ("upstream of proxy").
  [[nodiscard]] std::shared_ptr<void> add(std::string_view why, std::vector<Address> addresses);
  // Why the address is protected, or empty.
  std::string why(const Address& address) const;
  // The reason for the first protected address inside the prefix, or empty.
  std::string why(const Cidr& prefix) const;

 private:
  struct Entry {
    std::string why;
    std::vector<Address> addresses;
  };
  mutable std::mutex mutex_;
  mutable std::vector<std::weak_ptr<Entry>> entries_;
};

// Turns names into addresses away from the workers. Safe to call from any thread.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // Calls `changed` with every address of `host` (all with `port`) now, when it is a literal, else on a
  // background thread each time the answer changes, for as long as the returned handle lives. A failed
  // look-up keeps the last good answer and is logged.
  [[nodiscard]] virtual std::shared_ptr<void> watch(std::string host, Port port,
                                                    std::function<void(std::vector<Endpoint>)> changed) = 0;
};

// What a component may take while provisioning. References live as long as the process.
class BuildContext {
 public:
  Services& services;
  Metrics& metrics;
  Logger& log;
  const Clock& clock;
  Workers& workers;
  Resolver& resolver;
  ProtectedAddresses& protected_addresses;
  HttpEndpoints& endpoints;         // of the configuration being built
  BuildScope& scope;                // the same one that create() saw
  std::filesystem::path state_dir;  // where to keep what must outlive the process; made when first written to
};

}  // namespace sipward
