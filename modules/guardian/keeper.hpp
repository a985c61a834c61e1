#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "background.hpp"
#include "instance.hpp"
#include "storage.hpp"

namespace sipward::guardian {

// Ties one instance to one storage: what the instance decides is stored, what was stored is in force again
// when start() returns. Service "sip_guardian_keeper/NAME PATH", held by the configurations that name both.
class Keeper final : public Service {
 public:
  // How long the start waits for a storage that is slow; after that the bans come when they come.
  static constexpr std::chrono::seconds kPatience{30};

  Keeper(std::shared_ptr<Instance> instance, std::shared_ptr<Storage> storage, Logger& log, Counter lost);
  ~Keeper() override;  // notes hits once more

  void start() override;
  void stop(Time deadline) override;

 private:
  class Link;

  std::shared_ptr<Instance> instance_;
  std::shared_ptr<Storage> storage_;
  Logger& log_;
  std::shared_ptr<Link> link_;
};

}  // namespace sipward::guardian
