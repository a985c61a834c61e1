#include "schema.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <stdexcept>
#include <string>

namespace sipward::guardian {
namespace {

// Times are milliseconds since 1970, UTC. A ban of version 1 is a ban of today.
constexpr const char* kVersion1 = R"(
CREATE TABLE bans (
  guardian TEXT NOT NULL, scope TEXT NOT NULL, prefix TEXT NOT NULL, port INTEGER NOT NULL, user TEXT NOT NULL,
  reason TEXT NOT NULL, source TEXT NOT NULL, automatic INTEGER NOT NULL,
  evidence TEXT NOT NULL, proof TEXT NOT NULL,
  banned_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, hits INTEGER NOT NULL,
  signals TEXT NOT NULL, excerpt TEXT NOT NULL,
  PRIMARY KEY (guardian, scope, prefix, port, user)) WITHOUT ROWID;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, guardian TEXT NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL,
  prefix TEXT NOT NULL, port INTEGER NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,
  details TEXT NOT NULL, shadow INTEGER NOT NULL, expires_at INTEGER NOT NULL);
)";

// Version 2 remembers earlier bans for ban_escalation, beginning with those that are in force.
constexpr const char* kVersion2 = R"(
CREATE TABLE repeats (
  guardian TEXT NOT NULL, scope TEXT NOT NULL, prefix TEXT NOT NULL, port INTEGER NOT NULL, user TEXT NOT NULL,
  bans INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (guardian, scope, prefix, port, user)) WITHOUT ROWID;
INSERT INTO repeats SELECT guardian, scope, prefix, port, user, 1, banned_at FROM bans WHERE automatic = 1;
CREATE INDEX bans_by_end ON bans (expires_at);
)";

int pragma(SQLite::Database& database, const char* name) {
  return database.execAndGet(std::string("PRAGMA ") + name).getInt();
}

}  // namespace

void prepare_schema(SQLite::Database& database) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const int version = pragma(database, "user_version");
  const bool fresh = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
  if (!fresh && pragma(database, "application_id") != kApplicationId)
    throw std::runtime_error("it is another program's database");
  if (version > kSchemaVersion)
    throw std::runtime_error("it was written by a newer Sipward (version " + std::to_string(version) +
                             " of the file, this one knows " + std::to_string(kSchemaVersion) + ")");
  if (version == kSchemaVersion) return;
  if (version < 1) {
    database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.exec(kVersion1);
  }
  if (version < 2) database.exec(kVersion2);
  database.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  transaction.commit();
}

}  // namespace sipward::guardian
