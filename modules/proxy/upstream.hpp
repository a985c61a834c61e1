#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sipward/build_context.hpp"
#include "sipward/config.hpp"
#include "sipward/published.hpp"
#include "sipward/services.hpp"

namespace sipward::proxy {

// What a refusal to ban an upstream says.
inline std::string why_protected(const std::string& name) {
  return "the upstream " + name;
}

// One upstream as it is written, and the addresses that its name has at the moment. A service: it outlives a
// reload, and its addresses are protected from bans as long as it lives.
class Upstream final : public Service {
 public:
  // The one of that address, made and resolving from now on if there is none. Control thread.
  static std::shared_ptr<Upstream> get(const config::UpstreamAddress& address, BuildContext& context);

  Upstream(const config::UpstreamAddress& address, std::size_t workers);

  // Where to send to now; an unspecified address while the name has not resolved. On that worker's thread.
  Endpoint endpoint(std::size_t worker) const;
  std::vector<Endpoint> addresses() const;  // all that it has at the moment; any thread
  bool is_stream(Transport client) const { return sipward::is_stream(address_.transport.value_or(client)); }
  const std::string& name() const { return name_; }

 private:
  config::UpstreamAddress address_;
  std::string name_;
  Published<std::vector<Endpoint>> resolved_;
  mutable std::vector<Published<std::vector<Endpoint>>::Reader>
      readers_;                       // one per worker, each used by its own
  std::shared_ptr<void> protection_;  // touched on the resolver's thread
  std::shared_ptr<void> watch_;
};

}  // namespace sipward::proxy
