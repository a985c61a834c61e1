#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sipward/worker.hpp"

namespace sipward::proxy {

// One worker's UDP ports towards upstreams in hop mode: one for each local address that leads to them, so
// that what an upstream sends back finds the worker that knows its client without being handed over.
class HopPorts {
 public:
  struct Port {
    Endpoint local;
    std::string host;     // as it stands in our Via
    std::string sent_by;  // with the port
    std::unique_ptr<UdpPort> socket;
  };
  using Receive = std::function<void(const Endpoint& from, std::string_view octets)>;
  static constexpr auto kAskRouteAgain = std::chrono::minutes(1);

  // `fixed`: the first worker's port number, the next ones' follow; 0: any.
  HopPorts(Worker& worker, sipward::Port fixed, Receive receive);

  // The port to reach that upstream from; nullptr when none can be opened.
  Port* towards(const Endpoint& upstream);
  // Whether we are reached there.
  bool is_ours(const Endpoint& endpoint) const;

 private:
  struct Way {
    Endpoint upstream;
    Port* port = nullptr;
    Time asked{};
  };
  Port* open(const Address& local);

  Worker& worker_;
  sipward::Port fixed_;
  Receive receive_;
  std::vector<Way> ways_;
  std::vector<std::unique_ptr<Port>> ports_;  // as many as the machine has addresses that lead to upstreams
};

}  // namespace sipward::proxy
