#include "runtime/listeners.hpp"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "runtime/system_addresses.hpp"
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

}  // namespace

// The sockets of a new listener, one per worker.
struct Listeners::Group {
  Listener listener;
  std::vector<FileDescriptor> sockets;
  bool v6 = false;
  bool steered = true;
};

struct Listeners::Opened {
  std::vector<Group> groups;
  ByKey listed;                    // what is open already and stays, or comes back from its grace
  std::vector<Listener> unlisted;  // the others
  std::shared_ptr<Routing> routing = std::make_shared<Routing>();

  bool lists(const std::string& key, const ListenSpec& spec) const {
    return listed.contains(key) ||
           std::any_of(listed.begin(), listed.end(), [&](const auto& e) { return e.second.is(spec); }) ||
           std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
             return group.listener.key == key || group.listener.is(spec);
           });
  }
};

// Whether it has that very address, however that was written. Port 0 is a new one each time.
bool Listeners::Listener::is(const ListenSpec& spec) const {
  return transport == spec.transport && bound == spec.endpoint && any_family == spec.any_family &&
         spec.endpoint.port != 0;
}

// What is open at that address. A stream's listener that was retired is not: nobody accepts for it any more.
std::optional<Listeners::Listener> Listeners::find(const std::string& key, const ListenSpec& spec) const {
  if (const auto same = open_.find(key); same != open_.end()) return same->second;
  for (const auto& [other, listener] : open_)
    if (listener.is(spec)) return listener;
  if (is_stream(spec.transport)) return std::nullopt;
  for (const auto& listener : retired_)
    if (listener.key == key || listener.is(spec)) return listener;
  return std::nullopt;
}

// SO_REUSEPORT would let a second Sipward steal half of the first one's packets, so an address is tried
// without it. A port of our own may be had once more by a narrower or wider address: the kernel prefers the
// narrower.
bool Listeners::is_free(const ListenSpec& spec, const Opened& opened) const {
  const auto port = spec.endpoint.port;
  const auto ours = [&](const Listener& l) { return l.transport == spec.transport && l.bound.port == port; };
  return port == 0 ||
         std::any_of(open_.begin(), open_.end(), [&](const auto& entry) { return ours(entry.second); }) ||
         std::any_of(retired_.begin(), retired_.end(), ours) ||
         std::any_of(opened.groups.begin(), opened.groups.end(),
                     [&](const auto& group) { return ours(group.listener); }) ||
         address_is_free(spec);
}

Listeners::Group Listeners::open(const ListenSpec& spec_, const config::Position& where,
                                 const std::string& key, const Opened& opened, std::uint32_t number) {
  auto spec = spec_;
  const auto fail = [&](int error) {
    throw config::ConfigError(where.to_string() + ": can't listen on " + key + ": " + why_not(spec, error));
  };
  if (!is_free(spec, opened)) fail(errno);
  Group group;
  group.listener = {
      key, number, spec.transport, spec.endpoint, spec.endpoint.address.is_unspecified(), spec.any_family,
      {}};
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
  return group;
}

std::shared_ptr<Listeners::Opened> Listeners::prepare(const std::shared_ptr<const RouteTree>& tree) {
  auto opened = std::make_shared<Opened>();
  auto& by_listener = opened->routing->by_listener;
  auto number = next_number_;
  const auto serve = [&](std::uint32_t listener, std::shared_ptr<const RouteServer> server) {
    if (by_listener.size() <= listener) by_listener.resize(listener + 1);
    by_listener[listener] = std::move(server);
  };
  for (const auto& server : tree->servers) {
    if (!server->can_serve) continue;
    const std::shared_ptr<const RouteServer> shared(tree, server.get());
    for (const auto& listen : server->listen) {
      const auto& address = listen.address;
      const auto transport = address.transport.value_or(Transport::udp);
      if (!address.unix_path.empty()) continue;
      for (unsigned port = address.first; port <= address.last; ++port) {
        auto single = address;
        single.first = single.last = static_cast<Port>(port);
        const auto key = single.to_string();
        const ListenSpec spec{
            transport, {listen_address(address.host), static_cast<Port>(port)}, address.host.empty()};
        if (opened->lists(key, spec))
          throw config::ConfigError(listen.position.to_string() + ": " + key + " is listened on twice");
        if (auto known = find(key, spec)) {
          known->key = key;
          known->close_at.reset();
          serve(known->number, shared);
          opened->listed.emplace(key, *known);
        } else {
          opened->groups.push_back(open(spec, listen.position, key, *opened, number));
          serve(number++, shared);
        }
      }
    }
  }
  // Whoever is left over goes on as before, unless a listed one covers its address now.
  const auto heir = [&](const Listener& old) {
    const auto covers = [&](const Listener& l) {
      return l.transport == old.transport && l.bound.port == old.bound.port &&
             (l.wildcard || old.wildcard || l.bound.address == old.bound.address);
    };
    for (const auto& [key, listener] : opened->listed)
      if (covers(listener)) return by_listener[listener.number];
    for (const auto& group : opened->groups)
      if (covers(group.listener)) return by_listener[group.listener.number];
    return routing_->by_listener[old.number];
  };
  const auto left = [&](const Listener& listener) {
    if (std::none_of(opened->listed.begin(), opened->listed.end(),
                     [&](const auto& entry) { return entry.second.number == listener.number; }))
      opened->unlisted.push_back(listener);
  };
  for (const auto& [key, listener] : open_) left(listener);
  for (const auto& listener : retired_) left(listener);
  for (const auto& listener : opened->unlisted) serve(listener.number, heir(listener));
  return opened;
}

std::shared_ptr<const Routing> Listeners::routing(const Opened& opened) {
  return opened.routing;
}

// The kernel steers by the order in which the sockets of an address were opened, so those of a retired
// listener must be gone before its address can be opened once more: hence the barriers.
void Listeners::commit(Opened& opened, Time close_at) {
  bool stopped = false;
  for (auto& listener : opened.unlisted) {
    if (listener.close_at) continue;
    listener.close_at = close_at;
    workers_.post_all([number = listener.number](Worker& worker) {
      static_cast<WorkerThread&>(worker).retire_listener(number);
    });
    stopped = true;
  }
  if (stopped) workers_.barrier();
  open_ = std::move(opened.listed);
  retired_ = std::move(opened.unlisted);
  routing_ = opened.routing;
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
    open_.emplace(listener.key, listener);
  }
  opened.groups.clear();
}

std::optional<Time> Listeners::next_close() const {
  std::optional<Time> next;
  for (const auto& listener : retired_)
    if (!next || listener.close_at < *next) next = listener.close_at;
  return next;
}

std::shared_ptr<const Routing> Listeners::close_due(Time now) {
  std::shared_ptr<Routing> next;
  std::erase_if(retired_, [&](const Listener& listener) {
    if (listener.close_at > now) return false;
    if (!next) next = std::make_shared<Routing>(*routing_);
    next->by_listener[listener.number].reset();
    workers_.post_all([number = listener.number](Worker& worker) {
      static_cast<WorkerThread&>(worker).close_listener(number);
    });
    return true;
  });
  if (!next) return next;
  workers_.barrier();
  routing_ = next;
  return next;
}

void Listeners::clear() {
  open_.clear();
  retired_.clear();
  routing_ = std::make_shared<const Routing>();
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
