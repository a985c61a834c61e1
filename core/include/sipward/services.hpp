#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/clock.hpp"

namespace sipward {

// Something that outlives a configuration: a ban list, a resolver, a table of flows. Held by the handlers
// that use it, so that it ends with its last user.
class Service {
 public:
  virtual ~Service() = default;
  // After the whole configuration was provisioned, on the control thread; once in a service's life.
  virtual void start() {}
  // Once, on the control thread, when the process stops; returns by the deadline.
  virtual void stop(Time deadline) { (void)deadline; }
};

// Interface names ("ban_list/1", "sip_guardian/default") and the services behind them. Weak: a reload's new
// tree finds the service because the old tree still holds it. Names carry a version instead of a C++ type,
// because type identity is what doubles across shared objects: whoever asks for a name must know its type.
// Used on the control thread while a configuration is built.
class Services {
 public:
  template <class T>
  std::shared_ptr<T> find(std::string_view name) const {
    return std::static_pointer_cast<T>(lookup(name));
  }
  // The service of that name, made by `make` (a std::shared_ptr<T>) when there is none. A new one is started
  // after provisioning succeeded.
  template <class T, class Make>
  std::shared_ptr<T> find_or_make(std::string_view name, Make&& make) {
    if (auto have = find<T>(name)) return have;
    std::shared_ptr<T> made = make();
    add(name, made);
    return made;
  }

  // For the server: services made since the last call, to be started.
  std::vector<std::shared_ptr<Service>> take_new();
  std::vector<std::shared_ptr<Service>> all() const;

 private:
  std::shared_ptr<Service> lookup(std::string_view name) const;
  void add(std::string_view name, std::shared_ptr<Service> service);

  std::map<std::string, std::weak_ptr<Service>, std::less<>> table_;
  std::vector<std::weak_ptr<Service>> fresh_;
};

}  // namespace sipward
