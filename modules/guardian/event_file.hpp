#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "instance.hpp"
#include "line_file.hpp"

namespace sipward::guardian {

// Writes an instance's events to a file, by the instance's background thread. Service
// "sip_guardian_file/NAME …", held by the configurations that name it. What cannot be written is counted and
// lost; that it cannot is logged once.
class EventFile final : public Service {
 public:
  using Format = std::string (*)(std::string_view guardian, const Event& event);
  static constexpr std::size_t kQueue = 10'000;  // events between two writings; more are lost
  struct Setup {
    std::string path = {};
    std::uint64_t roll_size = 0;
    unsigned roll_keep = 0;
    Format format = nullptr;
    Logger& log;
    Counter lost = {};
    std::size_t lost_as = 0;  // which label value of `lost`
  };

  EventFile(std::shared_ptr<Instance> instance, const Setup& setup);
  ~EventFile() override;  // writes what waits

  void start() override;
  void stop(Time deadline) override;

 private:
  class Sink;
  std::shared_ptr<Instance> instance_;
  std::shared_ptr<Sink> sink_;
};

}  // namespace sipward::guardian
