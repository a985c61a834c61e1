#include "storage.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <utility>

#include "file_system.hpp"

namespace sipward::guardian {
namespace {

constexpr std::string_view kModule = "sip_guardian";
constexpr std::chrono::milliseconds kLook{1'000};  // how often the thread looks around without work
constexpr std::chrono::minutes kTidy{1};

std::string stamp(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  if (!gmtime_r(&seconds, &parts)) return "unknown";
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts)};
}

}  // namespace

Storage::Storage(const Setup& setup) : setup_(setup), queue_(std::make_shared<StorageQueue>(setup.limits)) {
  if (!setup_.file_system) setup_.file_system = file_system_of;
}

Storage::~Storage() {
  queue_->stop();
  if (thread_.joinable()) thread_.join();
}

void Storage::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Storage::stop(Time deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - setup_.clock.now());
  queue_->flush(std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(5'000)));
}

bool Storage::attach(const std::shared_ptr<Client>& client, std::chrono::milliseconds most) {
  auto done = std::make_shared<std::promise<void>>();
  auto ready = done->get_future();
  arriving_.with([&](auto& arriving) { arriving.push_back({client, false, false, std::move(done)}); });
  queue_->wake();
  return ready.wait_for(most) == std::future_status::ready;
}

void Storage::run() {
  next_tidying_ = std::chrono::steady_clock::now() + kTidy;
  open();
  for (;;) {
    auto work = queue_->take(kLook, kBatch, database_ ? kHistoryPart : 0);
    for (auto& one : arriving_.with([](auto& arriving) { return std::exchange(arriving, {}); }))
      attached_.push_back(std::move(one));
    std::erase_if(attached_, [](const auto& one) { return one.client.expired(); });
    if (work.overflowed) {
      setup_.lost.add_shared(0);
      setup_.log.warn(kModule, "too many decisions at once for storage; what is in force is stored whole",
                      {{"path", setup_.path}});
      for (auto& one : attached_) one.written = false;
    }
    if (!database_ && std::chrono::steady_clock::now() >= next_try_) open();
    if (database_ && replaced()) close("somebody removed or replaced it"), open();
    for (auto& one : attached_) welcome(one);
    queue_->done(work, write(work));
    if (work.stop && (work.history.empty() || !database_)) return;
  }
}

void Storage::open() {
  next_try_ = std::chrono::steady_clock::now() + setup_.retry;
  try {
    try {
      open_file();
    } catch (const DatabaseError& e) {
      if (!e.damaged) throw;
      put_aside();
      open_file();
    }
  } catch (const std::exception& e) {
    close(e.what());
  }
}

void Storage::open_file() {
  const auto& path = setup_.path;
  std::error_code ignored;  // then opening the file says what is wrong
  std::filesystem::create_directory(std::filesystem::path(path).parent_path(), ignored);
  const bool shared = is_network_file_system(setup_.file_system(path));
  database_.emplace(path, shared ? Database::Journal::rollback : Database::Journal::wal);
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) device_ = status.st_dev, inode_ = status.st_ino;
  for (auto& one : attached_) one.written = false;
  up_ = true;
  if (!said_.empty()) setup_.log.info(kModule, "bans are stored again", {{"path", path}});
  said_.clear();
  if (shared) {
    setup_.log.warn(kModule, "storage lies on a network file system: slower, and without write-ahead log",
                    {{"path", path}});
  }
}

void Storage::close(const std::string& why) {
  database_.reset();
  up_ = false;
  next_try_ = std::chrono::steady_clock::now() + setup_.retry;
  if (why == said_) return;
  said_ = why;
  setup_.log.error(kModule, "storage can't be used; bans are kept in memory",
                   {{"path", setup_.path}, {"why", why}});
}

void Storage::put_aside() {
  database_.reset();
  const auto& path = setup_.path;
  auto aside = path + ".damaged-" + stamp(setup_.clock.wall());
  for (int i = 2; std::filesystem::exists(aside) && i < 100; ++i)
    aside = path + ".damaged-" + stamp(setup_.clock.wall()) + "-" + std::to_string(i);
  if (std::rename(path.c_str(), aside.c_str()) != 0)
    throw DatabaseError("it is damaged and can't be put aside", false);
  for (const char* part : {"-wal", "-shm", "-journal"})
    std::rename((path + part).c_str(), (aside + part).c_str());
  setup_.log.error(kModule, "storage is damaged; it was put aside and a new file begun",
                   {{"path", path}, {"damaged", aside}});
}

bool Storage::replaced() const {
  struct stat status {};
  if (::stat(setup_.path.c_str(), &status) != 0) return true;
  return status.st_dev != device_ || status.st_ino != inode_;
}

// Runs what needs the database, as one transaction. False when that failed, or there is no database.
bool Storage::use(const std::function<void()>& work) {
  if (!database_) return false;
  try {
    database_->begin();
    work();
    database_->commit();
    return true;
  } catch (const std::exception& e) {
    if (database_) database_->rollback();
    const auto* known = dynamic_cast<const DatabaseError*>(&e);
    if (known && known->damaged) {
      try {
        put_aside();
        open_file();
      } catch (const std::exception& second) {
        close(second.what());
      }
    } else {
      close(e.what());
    }
    return false;
  }
}

void Storage::welcome(Attached& attached) {
  const auto client = attached.client.lock();
  if (!client) return;
  const auto guardian = client->guardian();
  const auto put_all = [&](std::uint64_t last) {
    return use([&] {
      for (const auto& op : unbans_) apply(op);
      std::uint64_t after = 0;
      for (auto bans = client->in_force(0); !bans.empty() && after < last; bans = client->in_force(after)) {
        after = bans.back()->id;
        for (const auto& ban : bans)
          if (ban->id <= last) database_->put(*guardian, *ban, Database::Fresh::no);
      }
    });
  };
  if (!attached.restored && database_) {
    const std::uint64_t last = client->last_id();
    attached.restored = use([&] {
      database_->load(*guardian, setup_.clock.wall(), kPart,
                      [&](KeptBans part) { client->restore(std::move(part)); });
    });
    if (attached.restored) attached.written = put_all(last);
  } else if (database_ && !attached.written) {
    attached.written = put_all(~std::uint64_t{0});
  }
  if (attached.done) std::exchange(attached.done, nullptr)->set_value();
}

void Storage::apply(const StorageOp& op) {
  switch (op.what) {
    case StorageOp::What::ban:
      return database_->put(*op.guardian, *op.ban, Database::Fresh::yes);
    case StorageOp::What::unban:
      return database_->remove(*op.guardian, *op.ban);
    case StorageOp::What::hits:
      return database_->put_hits(*op.guardian, *op.ban, op.hits);
    case StorageOp::What::forget:
      return database_->forget(*op.guardian, op.prefix);
  }
}

bool Storage::write(StorageQueue::Work& work) {
  const auto now = std::chrono::steady_clock::now();
  const bool tidy = now >= next_tidying_;
  if (tidy) next_tidying_ = now + kTidy;
  if (!tidy && unbans_.empty() && work.bans.empty() && work.history.empty()) return database_.has_value();
  const bool written = use([&] {
    for (const auto& op : unbans_) apply(op);
    for (const auto& op : work.bans) apply(op);
    for (const auto& op : work.history) database_->put(*op.guardian, *op.event);
    if (!work.history.empty()) database_->trim_history();
    if (tidy) database_->tidy(setup_.clock.wall());
  });
  if (written) {
    unbans_.clear();
    return true;
  }
  // What is in force is written again when the file is back; what was lifted must be remembered till then.
  for (auto& one : attached_) one.written = false;
  for (auto& op : work.bans) {
    const bool lifts = op.what == StorageOp::What::unban || op.what == StorageOp::What::forget;
    if (lifts && unbans_.size() < kMaxUnbans) unbans_.push_back(std::move(op));
  }
  setup_.lost.add_shared(0, work.history.size());
  return false;
}

}  // namespace sipward::guardian
