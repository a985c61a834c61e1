#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "routing/route_tree.hpp"
#include "runtime/worker_pool.hpp"
#include "udp/sockets.hpp"

namespace sipward {

// The sockets that clients reach us by, one of each per worker. Control thread only. A listener keeps its
// sockets, and its number, as long as its address stays in the configuration. One that a reload removes takes
// no new connections, and is closed with what came by it when its grace is over; until then it is served by
// the configuration that listed it, or by a listener of the new one that covers its address.
class Listeners {
 public:
  Listeners(WorkerPool& workers, Logger& log) : workers_(workers), log_(log) {}

  // A configuration's listeners, opened but not yet given to the workers; closes by itself when it is not
  // committed.
  struct Opened;
  // Opens what `tree` lists and is not open yet. Throws ConfigError when an address can't be had; then
  // nothing has changed.
  std::shared_ptr<Opened> prepare(const std::shared_ptr<const RouteTree>& tree);
  static std::shared_ptr<const Routing> routing(const Opened& opened);  // what to publish
  // After that was published: gives new sockets to the workers, and grace to those that are no longer listed.
  void commit(Opened& opened, Time close_at);

  // When the next grace is over.
  std::optional<Time> next_close() const;
  // Closes those whose grace is over. What to publish then; nullptr when there were none.
  std::shared_ptr<const Routing> close_due(Time now);
  // Forgets all, when the workers have stopped.
  void clear();

  // Bound addresses of all that are listed, for the log ("udp/0.0.0.0:5060").
  std::vector<std::string> addresses() const;
  // The addresses that listeners bind; for a wildcard those of every interface but lo, 127.0.0.1 and ::1.
  std::vector<Address> own_addresses() const;

 private:
  struct Listener {
    std::string key;  // the address as written, each port of a range
    std::uint32_t number = 0;
    Transport transport = Transport::udp;
    Endpoint bound;
    bool wildcard = false;
    bool any_family = false;       // a wildcard of both
    std::optional<Time> close_at;  // of one that is no longer listed

    bool is(const ListenSpec& spec) const;
  };
  struct Group;
  using ByKey = std::map<std::string, Listener>;

  std::optional<Listener> find(const std::string& key, const ListenSpec& spec) const;
  Group open(const ListenSpec& spec, const config::Position& where, const std::string& key,
             const Opened& opened, std::uint32_t number);
  bool is_free(const ListenSpec& spec, const Opened& opened) const;

  WorkerPool& workers_;
  Logger& log_;
  ByKey open_;
  std::vector<Listener> retired_;
  std::shared_ptr<const Routing> routing_ = std::make_shared<const Routing>();
  std::uint32_t next_number_ = 0;
};

}  // namespace sipward
