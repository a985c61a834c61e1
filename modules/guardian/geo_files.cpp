#include "geo_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace sipward::guardian {

GeoFile::Stamp GeoFile::stamp(const std::string& path) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) return {};
  return {state.st_dev, state.st_ino, static_cast<std::uint64_t>(state.st_size), state.st_mtim.tv_sec,
          state.st_mtim.tv_nsec};
}

std::string GeoFile::read() {
  tried_ = seen_ = stamp(path_);
  std::string why;
  auto next = GeoDatabase::load(path_, why);
  up_ = next != nullptr;
  if (!next) return why;
  if (auto old = database_.snapshot()) old_.push_back(std::move(old));
  database_.publish(std::move(next));
  return {};
}

std::shared_ptr<GeoFiles> GeoFiles::get(BuildContext& context) {
  return context.services.find_or_make<GeoFiles>("sip_guardian/geoip_files", [&] {
    auto files = std::make_shared<GeoFiles>(context.log);
    context.metrics.gauge("sip_guardian_geoip_up",
                          "1 when every GeoIP database that is named was read as it is now, else 0.", files,
                          [weak = std::weak_ptr(files)] {
                            const auto live = weak.lock();
                            return live && live->up() ? 1.0 : 0.0;
                          });
    return files;
  });
}

GeoFiles::~GeoFiles() {
  stop({});
}

// Says what is new about the file.
void GeoFiles::read(GeoFile& file) {
  auto why = file.read();
  const bool has = file.database().snapshot() != nullptr;
  if (!why.empty() && why != file.fault_) {
    log_.warn("sip_guardian",
              has ? "a GeoIP database can't be read; the last good one is kept"
                  : "a GeoIP database can't be read; nothing is refused by it",
              {{"file", file.path()}, {"why", why}});
  } else if (why.empty()) {
    log_.info("sip_guardian", "a GeoIP database was read", {{"file", file.path()}});
  }
  file.fault_ = std::move(why);
}

std::shared_ptr<GeoFile> GeoFiles::open(const std::string& path, std::string& why) {
  std::lock_guard lock(mutex_);
  auto& slot = files_[path];
  auto file = slot.lock();
  if (!file) slot = file = std::make_shared<GeoFile>(path);
  const auto now = GeoFile::stamp(path);
  if (!file->up() || now != file->tried_) read(*file);
  why = file->fault_;
  return file;
}

void GeoFiles::look() {
  std::lock_guard lock(mutex_);
  for (auto entry = files_.begin(); entry != files_.end();) {
    const auto file = entry->second.lock();
    if (!file) {
      entry = files_.erase(entry);
      continue;
    }
    ++entry;
    std::erase_if(file->old_, [](const auto& old) { return old.use_count() == 1; });
    const auto now = GeoFile::stamp(file->path());
    // Somebody may still be writing: then it is not what it was a moment ago.
    const bool settled = now == std::exchange(file->seen_, now);
    if (now != file->tried_ && (settled || now == GeoFile::Stamp())) read(*file);
  }
}

bool GeoFiles::up() const {
  std::lock_guard lock(mutex_);
  return std::all_of(files_.begin(), files_.end(), [](const auto& entry) {
    const auto file = entry.second.lock();
    return !file || file->up();
  });
}

void GeoFiles::start() {
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kEvery, [this] { return stopping_; })) {
      lock.unlock();
      look();
      lock.lock();
    }
  });
}

void GeoFiles::stop(Time) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace sipward::guardian
