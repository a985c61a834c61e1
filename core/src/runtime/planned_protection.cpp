#include "runtime/planned_protection.hpp"

#include <set>
#include <string>
#include <utility>

#include "runtime/system_addresses.hpp"

namespace sipward {

std::vector<Notes::Spared> planned_protection(const config::Sipfile& sipfile, const RouteTree& tree) {
  std::vector<Notes::Spared> result;
  std::set<std::pair<std::string, std::string>> seen;
  const auto add = [&](std::string who, std::string why) {
    if (const auto literal = Address::parse(who)) who = literal->to_string();
    if (seen.emplace(who, why).second) result.push_back({std::move(who), std::move(why)});
  };
  const auto add_all = [&](const std::vector<Address>& addresses, std::string_view why) {
    for (const auto& address : addresses) add(address.to_string(), std::string(why));
  };
  for (const auto& spared : notes(*tree.scope).never_banned) add(spared.who, spared.why);
  for (const auto& server : tree.servers) {
    for (const auto& listen : server->listen) {
      if (!listen.address.unix_path.empty()) continue;
      const auto& host = listen.address.host;
      const auto literal = Address::parse(host);
      if (host.empty() || (literal && literal->is_unspecified()))
        add_all(interface_addresses(), kWhyOwn);
      else
        add(host, std::string(kWhyOwn));
    }
  }
  for (const auto& server : sipfile.options.resolvers)
    add(server.address.to_string(), std::string(kWhyResolver));
  add_all(system_name_servers(), kWhyResolver);
  add_all(default_gateways(), kWhyGateway);
  return result;
}

}  // namespace sipward
