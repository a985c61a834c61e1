#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sipward/services.hpp"

namespace sipward {

// Tells when files that were read are not any more what they were: the service "file_watch/1", one thread for
// the process that looks every two seconds. Safe to call from any thread.
class FileWatch final : public Service {
 public:
  static constexpr std::chrono::seconds kEvery{2};

  static std::shared_ptr<FileWatch> get(Services& services);
  FileWatch();
  ~FileWatch() override;

  // Calls `changed` on the watching thread once any of the files is another one or has other contents (told
  // by device, inode, size and times) than when it was last called, or watch() was, and then was left alone
  // from one look to the next: somebody may still be writing. For as long as the returned handle lives, and
  // perhaps still once while the handle ends; `changed` must not throw.
  [[nodiscard]] std::shared_ptr<void> watch(std::vector<std::string> paths, std::function<void()> changed);
  // Looks at every file once.
  void look();

  void start() override;
  void stop(Time deadline) override;

 private:
  struct State;  // the thread's too: the last to use the service may be what it calls
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace sipward
