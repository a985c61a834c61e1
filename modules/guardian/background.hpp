#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sipward::guardian {

// Something to be done now and then, away from the workers: lines to be written, hits to be noted.
class Chore {
 public:
  virtual ~Chore() = default;
  // Several times a second, on the one thread that does chores; it may take a while, but not for ever.
  virtual void work() noexcept = 0;
};

// The one thread of an instance. Makes `tick` each second, and the chores more often. Its owner must not be
// held by a chore: the thread ends with it.
class Background {
 public:
  explicit Background(std::function<void()> tick) : tick_(std::move(tick)) {}
  ~Background() { stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void add(std::weak_ptr<Chore> chore);  // any thread
  void start();                          // what was added before and after is done from now on
  void stop();                           // waits for what is being done

 private:
  void run();

  std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::weak_ptr<Chore>> chores_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace sipward::guardian
