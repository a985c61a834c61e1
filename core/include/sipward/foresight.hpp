#pragma once

#include <span>

#include "sipward/net.hpp"

namespace sipward {

class Worker;

// A handler that looks sources up in a large table may implement this too: it hears of the sources of a whole
// batch of datagrams at once, and can ask the processor for what it will need of memory while it still works
// on others. Only advice: on_admit follows for each of them, or not.
class Foresight {
 public:
  // On the worker that received them, before anything else is done with them. The sources are those of a
  // listener whose routes use the handler; some may be owned by another worker. Must not throw.
  virtual void foresee(Worker& worker, std::span<const Address> sources) const = 0;

 protected:
  ~Foresight() = default;
};

}  // namespace sipward
