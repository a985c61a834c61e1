#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "ban.hpp"
#include "events.hpp"

namespace sipward::guardian {

// Why a database can't be used.
class DatabaseError final : public std::runtime_error {
 public:
  DatabaseError(const std::string& what, bool is_damaged) : std::runtime_error(what), damaged(is_damaged) {}
  bool damaged;  // the file itself is broken: put it aside and begin a new one
};

// The SQLite file that keeps bans, repeats and history of any number of guardians, told apart by name. For
// one thread. Every function may throw DatabaseError; what a batch wrote is then undone.
class Database {
 public:
  enum class Journal : std::uint8_t { wal, rollback };
  static constexpr std::int64_t kHistory = 100'000;  // events, the newest; of all guardians together
  static constexpr std::int64_t kRepeats = 100'000;  // the same
  static constexpr int kBusyTimeoutMs = 3'000;       // another process may be writing

  // Opens the file, or makes one; checks it, brings it to the newest schema.
  Database(const std::string& path, Journal journal);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Hands out the repeats that still count and the live bans, oldest first, in parts of so many. What has
  // expired is deleted.
  void load(const std::string& guardian, WallTime now, std::size_t part,
            const std::function<void(KeptBans)>& take);

  // What is written between begin() and commit() is on disk when commit() returns.
  void begin();
  void commit();
  void rollback() noexcept;

  enum class Fresh : std::uint8_t { no, yes };
  // Inserts or replaces; a fresh one that the guardian itself made counts as a repeat.
  void put(const std::string& guardian, const Ban& ban, Fresh fresh);
  // Deletes this very ban, not a later one of the same target.
  void remove(const std::string& guardian, const Ban& ban);
  void put_hits(const std::string& guardian, const Ban& ban, std::uint64_t hits);
  // Deletes the repeats of everything inside the prefix.
  void forget(const std::string& guardian, const Cidr& prefix);
  void put(const std::string& guardian, const Event& event);
  // Deletes what is over kHistory.
  void trim_history();
  // Deletes repeats too old to count or over kRepeats, and bans that ended long ago of guardians that are
  // gone.
  void tidy(WallTime now);

 private:
  struct Statements;
  template <class Use>
  auto guarded(Use&& use);

  std::unique_ptr<Statements> sql_;
};

}  // namespace sipward::guardian
