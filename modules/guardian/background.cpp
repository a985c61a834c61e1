#include "background.hpp"

#include <utility>

namespace sipward::guardian {
namespace {

constexpr std::chrono::milliseconds kOften{200};
constexpr std::chrono::seconds kTick{1};

}  // namespace

void Background::add(std::weak_ptr<Chore> chore) {
  std::lock_guard lock(mutex_);
  chores_.push_back(std::move(chore));
  changed_.notify_one();
}

void Background::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Background::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Background::run() {
  auto next_tick = std::chrono::steady_clock::now() + kTick;
  for (;;) {
    std::vector<std::shared_ptr<Chore>> now;
    {
      std::unique_lock lock(mutex_);
      if (stop_) return;
      const auto pause = chores_.empty() ? std::chrono::milliseconds(kTick) : kOften;
      changed_.wait_for(lock, pause, [this] { return stop_; });
      if (stop_) return;
      std::erase_if(chores_, [](const auto& chore) { return chore.expired(); });
      for (const auto& chore : chores_) {
        if (auto live = chore.lock()) now.push_back(std::move(live));
      }
    }
    for (const auto& chore : now) chore->work();
    if (std::chrono::steady_clock::now() < next_tick) continue;
    next_tick = std::chrono::steady_clock::now() + kTick;
    tick_();
  }
}

}  // namespace sipward::guardian
