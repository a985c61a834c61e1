#pragma once

#include <cstdint>
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

// What reading a configuration learned that is neither wrong nor doubtful, for `sipward validate` to tell.
// Filled by create().
struct Notes {
  struct Spared {
    std::string who;  // an address, or a name as it is written
    std::string why;  // as for ProtectedAddresses::add
  };
  bool somebody_bans = false;                // else nobody asks who can't be banned
  std::vector<Spared> never_banned;          // besides what core knows itself
  std::map<std::string, std::string> hints;  // by whatever tells one from the other
};
inline Notes& notes(BuildScope& scope) {
  return scope.get<Notes>("notes");
}

// Addresses that no rule, feed or person can ban: upstreams, resolvers, the default gateway, the addresses
// that listeners bind. Safe to call from any thread.
class ProtectedAddresses {
 public:
  // Protects them until the returned handle ends; `why` is what the refusal says ("upstream of proxy").
  [[nodiscard]] std::shared_ptr<void> add(std::string_view why, std::vector<Address> addresses);
  // Calls `changed` after each add(), on the thread that adds, for as long as the returned handle lives.
  [[nodiscard]] std::shared_ptr<void> watch(std::function<void()> changed);
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
  std::vector<std::weak_ptr<Entry>> entries_;
  std::vector<std::weak_ptr<std::function<void()>>> watchers_;
};

// One address of one target of an SRV record (RFC 2782).
struct ServiceTarget {
  Endpoint endpoint;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  friend auto operator<=>(const ServiceTarget&, const ServiceTarget&) = default;
};

// Turns names into addresses away from the workers, and again when their time is over. A failed look-up keeps
// the last good answer and is logged. What the callbacks get is sorted, without doubles, never empty, and at
// most kMaxAddresses long. Safe to call from any thread.
class Resolver {
 public:
  static constexpr std::size_t kMaxAddresses = 64;

  virtual ~Resolver() = default;
  // Calls `changed` with every address of `host` (all with `port`) now, when it is a literal or known
  // already, and later in the background each time the answer changes, for as long as the returned handle
  // lives.
  [[nodiscard]] virtual std::shared_ptr<void> watch(std::string host, Port port,
                                                    std::function<void(std::vector<Endpoint>)> changed) = 0;
  // The same for every address of every target that the SRV records of `name` (_sip._udp.example.com) hold,
  // whatever their priorities and weights.
  [[nodiscard]] virtual std::shared_ptr<void> watch_service(
      std::string name, std::function<void(std::vector<ServiceTarget>)> changed) = 0;
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
