#pragma once

namespace SQLite {
class Database;
}

namespace sipward::guardian {

// "SIPW": what an SQLite file of ours says of itself, so that nobody else's is written to by mistake.
inline constexpr int kApplicationId = 0x53495057;
// What this program writes (PRAGMA user_version). An older file is brought up to it; a newer one is refused.
inline constexpr int kSchemaVersion = 2;

// Makes the tables of a new file, or brings an older one up to kSchemaVersion, in one transaction. Throws
// SQLite::Exception, or std::runtime_error when the file is not ours or newer.
void prepare_schema(SQLite::Database& database);

}  // namespace sipward::guardian
