#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ban.hpp"
#include "events.hpp"

namespace sipward::guardian {

// One thing to be written for the guardian of that name.
struct StorageOp {
  enum class What : std::uint8_t { ban, unban, hits, forget };
  What what = What::ban;
  std::shared_ptr<const std::string> guardian;
  BanPtr ban = nullptr;    // not of forget
  std::uint64_t hits = 0;  // of hits
  Cidr prefix = {};        // of forget
};
struct HistoryOp {
  std::shared_ptr<const std::string> guardian;
  EventPtr event;
};

// What waits for a Storage's thread. Safe to call from any thread; nothing blocks but flush(). Bans stand in
// a line of their own, so that a flood of attacks can't keep them out.
class StorageQueue {
 public:
  struct Limits {
    std::size_t bans = 200'000;
    std::size_t history = 10'000;
  };
  struct Work {
    std::vector<StorageOp> bans;
    std::vector<HistoryOp> history;
    std::uint64_t upto = 0;   // for done()
    bool overflowed = false;  // bans were lost: all that are in force must be written again
    bool stop = false;
  };

  StorageQueue() : StorageQueue(Limits()) {}
  explicit StorageQueue(const Limits& limits) : limits_(limits) {}

  void push(StorageOp op);
  // False when the queue is full and the event is lost.
  bool push(HistoryOp op);
  // True once everything that was pushed before has been written; false when it could not be, or not in time.
  bool flush(std::chrono::milliseconds most);

  // For the thread. Waits for work, then `batch` longer for more unless somebody waits for it; returns after
  // `most` in any case. History comes in parts of at most `history`; none when that is 0.
  Work take(std::chrono::milliseconds most, std::chrono::milliseconds batch, std::size_t history);
  void done(const Work& work, bool written);
  // Makes take() return.
  void wake();
  void stop();

 private:
  Limits limits_;
  std::mutex mutex_;
  std::condition_variable work_, written_;
  std::vector<StorageOp> bans_;
  std::deque<HistoryOp> history_;
  std::uint64_t pushed_ = 0, handled_ = 0;  // how many operations on bans
  unsigned waiting_ = 0;                    // in flush()
  bool written_well_ = true;                // what was handled last
  bool overflowed_ = false, woken_ = false, stop_ = false;
};

}  // namespace sipward::guardian
