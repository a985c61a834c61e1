#include "runtime/listeners.hpp"

#include <ifaddrs.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "sipward/config.hpp"

namespace sipward {
namespace {

// Listening happens on our own machine: a name is /etc/hosts' business, and looked up once, at the start.
Address listen_address(const std::string& host) {
  if (host.empty()) return {};
  if (const auto literal = Address::parse(host)) return *literal;
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0 || !found)
    throw config::ConfigError("can't listen on " + config::quote(host) + ": the name does not resolve");
  const auto address = Endpoint::from(found->ai_addr).address;
  freeaddrinfo(found);
  return address;
}

std::string why_not(const ListenSpec& spec, int error) {
  if (error == EADDRINUSE)
    return "another program is using it (ss -ln" + std::string(is_stream(spec.transport) ? "t" : "u") +
           "p shows which)";
  if (error == EACCES) return "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)";
  if (error == EADDRNOTAVAIL) return "no interface of this machine has that address";
  return std::strerror(error);
}

std::vector<Address> interface_addresses() {
  std::vector<Address> result{*Address::parse("127.0.0.1"), *Address::parse("::1")};
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return result;
  for (const auto* i = list; i; i = i->ifa_next) {
    if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)) continue;
    const auto address = Endpoint::from(i->ifa_addr).address;
    if (std::string_view(i->ifa_name) != "lo") result.push_back(address);
  }
  freeifaddrs(list);
  return result;
}

}  // namespace

struct Listeners::Opened {
  struct Group {
    std::string key;
    Listener listener;
    std::vector<FileDescriptor> sockets;  // one per worker
    bool v6 = false;
    bool steered = true;
  };
  std::vector<Group> groups;
  std::set<std::string> wanted;
};

std::shared_ptr<Listeners::Opened> Listeners::prepare(RouteTree& tree) {
  auto opened = std::make_shared<Opened>();
  std::uint32_t number = next_number_;
  const auto serve = [&](std::uint32_t listener, const RouteServer* server) {
    if (tree.by_listener.size() <= listener) tree.by_listener.resize(listener + 1);
    tree.by_listener[listener] = server;
  };
  for (const auto& server : tree.servers) {
    if (!server->can_serve) continue;
    for (const auto& listen : server->listen) {
      const auto& address = listen.address;
      const auto transport = address.transport.value_or(Transport::udp);
      if ((transport != Transport::udp && transport != Transport::tcp) || !address.unix_path.empty())
        continue;
      for (unsigned port = address.first; port <= address.last; ++port) {
        auto single = address;
        single.first = single.last = static_cast<Port>(port);
        const auto key = single.to_string();
        opened->wanted.insert(key);
        if (const auto it = open_.find(key); it != open_.end()) {
          serve(it->second.number, server.get());
          continue;
        }
        ListenSpec spec{
            transport, {listen_address(address.host), static_cast<Port>(port)}, address.host.empty()};
        const auto fail = [&](int error) {
          throw config::ConfigError(listen.position.to_string() + ": can't listen on " + key + ": " +
                                    why_not(spec, error));
        };
        // SO_REUSEPORT would let a second Sipward steal half of the first one's packets. A port of our own
        // may be had once more by a narrower or wider address: the kernel prefers the narrower.
        const auto ours = [&](const Listener& l) { return l.transport == transport && l.bound.port == port; };
        const bool own_port =
            std::any_of(open_.begin(), open_.end(), [&](const auto& entry) { return ours(entry.second); }) ||
            std::any_of(opened->groups.begin(), opened->groups.end(),
                        [&](const auto& g) { return ours(g.listener); });
        if (port != 0 && !own_port && !address_is_free(spec)) fail(errno);
        Opened::Group group{
            key, {number, transport, spec.endpoint, spec.endpoint.address.is_unspecified()}, {}};
        for (std::size_t i = 0; i < workers_.count(); ++i) {
          auto socket = open_listener(spec, i == 0, workers_.count(), group.v6, group.steered);
          if (!socket) fail(errno);
          if (i == 0) spec.endpoint.port = group.listener.bound.port = bound_port(socket.get());
          group.sockets.push_back(std::move(socket));
        }
        if (!group.steered)
          log_.warn("core",
                    "the kernel does not steer by source address; messages are handed over, which is slower",
                    {{"listener", key}});
        serve(number++, server.get());
        opened->groups.push_back(std::move(group));
      }
    }
  }
  return opened;
}

void Listeners::commit(Opened& opened) {
  for (auto it = open_.begin(); it != open_.end();) {
    if (opened.wanted.contains(it->first)) {
      ++it;
      continue;
    }
    workers_.post_all([number = it->second.number](Worker& worker) {
      static_cast<WorkerThread&>(worker).close_listener(number);
    });
    it = open_.erase(it);
  }
  for (auto& group : opened.groups) {
    const auto listener = group.listener;
    for (std::size_t i = 0; i < group.sockets.size(); ++i) {
      auto socket = std::make_shared<FileDescriptor>(std::move(group.sockets[i]));
      workers_.post(i, [socket, listener, v6 = group.v6, steered = group.steered](Worker& worker) {
        auto& thread = static_cast<WorkerThread&>(worker);
        if (is_stream(listener.transport))
          thread.connections().listen(listener.number, std::move(*socket), listener.transport, steered);
        else
          thread.open_udp_listener(listener.number, std::move(*socket), v6, listener.bound, steered);
      });
    }
    next_number_ = listener.number + 1;
    open_.emplace(group.key, listener);
  }
  opened.groups.clear();
}

std::vector<std::string> Listeners::addresses() const {
  std::vector<std::string> result;
  for (const auto& [key, listener] : open_)
    result.push_back(
        std::string(to_string(listener.transport)) + "/" +
        (listener.wildcard ? ":" + std::to_string(listener.bound.port) : listener.bound.to_string()));
  return result;
}

std::vector<Address> Listeners::own_addresses() const {
  std::vector<Address> result;
  bool wildcard = false;
  for (const auto& [key, listener] : open_) {
    wildcard = wildcard || listener.wildcard;
    if (!listener.wildcard) result.push_back(listener.bound.address);
  }
  if (wildcard) {
    const auto all = interface_addresses();
    result.insert(result.end(), all.begin(), all.end());
  }
  return result;
}

}  // namespace sipward
