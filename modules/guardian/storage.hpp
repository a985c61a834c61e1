#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "database.hpp"
#include "guarded.hpp"
#include "sipward/build_context.hpp"
#include "storage_queue.hpp"

namespace sipward::guardian {

// One file that guardians keep their bans in, and the one thread that touches it. Service
// "sip_guardian_storage/PATH". While the file can't be used the guardians go on from memory: that is logged,
// is_up() tells, and every kRetry the thread tries again and then writes what is in force. A damaged file is
// put aside as PATH.damaged-TIME and a new one begun.
class Storage final : public Service {
 public:
  // A guardian as its storage sees it. Called on the storage's thread; lives as long as it has an owner.
  class Client {
   public:
    virtual ~Client() = default;
    virtual std::shared_ptr<const std::string> guardian() const = 0;
    virtual void restore(KeptBans kept) = 0;  // called for a part after the other
    virtual std::uint64_t last_id() const = 0;
    // The next of them, at most kPart; none at the end.
    virtual std::vector<BanPtr> in_force(std::uint64_t after) const = 0;
  };
  struct Setup {
    std::string path;
    const Clock& clock;
    Logger& log;
    Counter lost = {};                                                  // events that had no room
    std::function<std::uint64_t(const std::string&)> file_system = {};  // as file_system_of(), for tests
    StorageQueue::Limits limits = {};
    std::chrono::milliseconds retry = kRetry;
  };
  static constexpr std::chrono::milliseconds kBatch{200};
  static constexpr std::chrono::milliseconds kRetry{10'000};
  static constexpr std::size_t kPart = 2'048;         // bans in memory twice at a time
  static constexpr std::size_t kHistoryPart = 2'000;  // events in one transaction
  static constexpr std::size_t kMaxUnbans = 100'000;  // remembered while the file can't be used

  explicit Storage(const Setup& setup);
  ~Storage() override;  // writes what waits

  void start() override;
  void stop(Time deadline) override;

  // Begins to keep what the client's guardian decides: what the file knows of it is given to restore(), what
  // is in force already is written. Returns when that is done, or after `most`; then it is done later.
  bool attach(const std::shared_ptr<Client>& client, std::chrono::milliseconds most);

  const std::shared_ptr<StorageQueue>& queue() const { return queue_; }
  const std::string& path() const { return setup_.path; }
  bool is_up() const { return up_.load(std::memory_order_relaxed); }

 private:
  struct Attached {
    std::weak_ptr<Client> client;
    bool restored = false;
    bool written = false;  // what is in force
    std::shared_ptr<std::promise<void>> done;
  };

  void run();
  void open();
  void open_file();
  void close(const std::string& why);
  void put_aside();
  bool replaced() const;  // somebody has put another file in our file's place
  bool use(const std::function<void()>& work);
  void welcome(Attached& attached);
  bool write(StorageQueue::Work& work);
  void apply(const StorageOp& op);

  Setup setup_;
  std::shared_ptr<StorageQueue> queue_;
  std::atomic<bool> up_{false};
  Guarded<std::vector<Attached>> arriving_;
  std::thread thread_;

  // Of the thread.
  std::optional<Database> database_;
  std::vector<Attached> attached_;
  std::vector<StorageOp> unbans_;  // not written yet
  std::chrono::steady_clock::time_point next_try_{}, next_tidying_{};
  std::string said_;  // why it is not up, as it was logged
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sipward::guardian
