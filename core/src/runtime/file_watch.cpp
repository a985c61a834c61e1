#include "sipward/file_watch.hpp"

#include <sys/stat.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

namespace sipward {
namespace {

struct Stamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified = 0, modified_ns = 0, changed = 0, changed_ns = 0;
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

std::vector<Stamp> stamps(const std::vector<std::string>& paths) {
  std::vector<Stamp> all;
  for (const auto& path : paths) {
    struct stat state {};
    auto& stamp = all.emplace_back();
    if (::stat(path.c_str(), &state) != 0) continue;
    stamp = {state.st_dev,         state.st_ino,          static_cast<std::uint64_t>(state.st_size),
             state.st_mtim.tv_sec, state.st_mtim.tv_nsec, state.st_ctim.tv_sec,
             state.st_ctim.tv_nsec};
  }
  return all;
}

struct Group {
  std::vector<std::string> paths;
  std::function<void()> changed;
  std::vector<Stamp> told, seen;
};

}  // namespace

struct FileWatch::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::weak_ptr<Group>> groups;
  bool stopping = false;

  void look();
};

void FileWatch::State::look() {
  std::vector<std::shared_ptr<Group>> changed;  // called without the lock
  {
    const std::lock_guard lock(mutex);
    std::erase_if(groups, [](const auto& group) { return group.expired(); });
    for (const auto& weak : groups) {
      auto group = weak.lock();
      if (!group) continue;
      auto now = stamps(group->paths);
      const bool settled = now == group->seen;
      group->seen = now;
      if (!settled || now == group->told) continue;
      group->told = std::move(now);
      changed.push_back(std::move(group));
    }
  }
  for (const auto& group : changed) group->changed();
}

std::shared_ptr<FileWatch> FileWatch::get(Services& services) {
  return services.find_or_make<FileWatch>("file_watch/1", [] { return std::make_shared<FileWatch>(); });
}

FileWatch::FileWatch() : state_(std::make_shared<State>()) {}

FileWatch::~FileWatch() {
  stop({});
}

std::shared_ptr<void> FileWatch::watch(std::vector<std::string> paths, std::function<void()> changed) {
  auto group = std::make_shared<Group>();
  group->paths = std::move(paths);
  group->changed = std::move(changed);
  group->told = group->seen = stamps(group->paths);
  const std::lock_guard lock(state_->mutex);
  state_->groups.push_back(group);
  return group;
}

void FileWatch::look() {
  const auto state = state_;  // what is told may end this
  state->look();
}

void FileWatch::start() {
  thread_ = std::thread([state = state_] {
    std::unique_lock lock(state->mutex);
    while (!state->wake.wait_for(lock, kEvery, [&] { return state->stopping; })) {
      lock.unlock();
      state->look();
      lock.lock();
    }
  });
}

void FileWatch::stop(Time) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (!thread_.joinable()) return;
  thread_.get_id() == std::this_thread::get_id() ? thread_.detach() : thread_.join();
}

}  // namespace sipward
