#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "routing/route_tree.hpp"
#include "runtime/worker_pool.hpp"

namespace sipward {

// The sockets that clients reach us by, one of each per worker. Control thread only. A listener keeps its
// sockets, and its number, as long as its address stays in the configuration.
class Listeners {
 public:
  Listeners(WorkerPool& workers, Logger& log) : workers_(workers), log_(log) {}

  // Opened but not yet given to the workers; closes by itself when it is not committed.
  struct Opened;
  // Opens what `tree` lists and is not open yet, and fills tree.by_listener. Throws ConfigError when an
  // address can't be had; then nothing has changed.
  std::shared_ptr<Opened> prepare(RouteTree& tree);
  // After the tree was published: gives new sockets to the workers and closes those that are no longer
  // listed.
  void commit(Opened& opened);

  // Bound addresses of all, for the log ("udp/0.0.0.0:5060").
  std::vector<std::string> addresses() const;
  // The addresses that listeners bind; for a wildcard those of every interface but lo, 127.0.0.1 and ::1.
  std::vector<Address> own_addresses() const;

 private:
  struct Listener {
    std::uint32_t number;
    Transport transport;
    Endpoint bound;
    bool wildcard;
  };
  WorkerPool& workers_;
  Logger& log_;
  std::map<std::string, Listener> open_;  // by the address as written, each port of a range
  std::uint32_t next_number_ = 0;
};

}  // namespace sipward
