#include "database.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "ban_json.hpp"
#include "ban_store.hpp"
#include "schema.hpp"

namespace sipward::guardian {
namespace {

namespace json = boost::json;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::int64_t kLatest = 9'000'000'000'000;  // the year 2255, which every clock can count to
constexpr const char* kKey = "guardian = ?1 AND scope = ?2 AND prefix = ?3 AND port = ?4 AND user = ?5";

std::int64_t ms(WallTime time) {
  return duration_cast<milliseconds>(time.time_since_epoch()).count();
}

WallTime wall(std::int64_t ms) {
  return WallTime(milliseconds(std::clamp<std::int64_t>(ms, 0, kLatest)));
}

// The moment of a signal on the wall, by the end of its ban, which is known on both clocks.
WallTime wall_of(const Signal& signal, const Ban& ban) {
  return ban.expires_at - duration_cast<WallTime::duration>(ban.expires - signal.at);
}

std::string signals_text(const Ban& ban) {
  json::array all;
  for (const auto& s : ban.signals) {
    all.push_back(json::object{{"at", ms(wall_of(s, ban))},
                               {"reason", to_string(s.reason)},
                               {"method", sip::to_string(s.method)},
                               {"status", s.status},
                               {"weight", s.weight},
                               {"proof", sipward::to_string(s.proof)},
                               {"transport", sipward::to_string(s.transport)},
                               {"user", printable(s.user.view())}});
  }
  return json::serialize(all);
}

Proof proof_of(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Proof::registration); ++i) {
    if (sipward::to_string(static_cast<Proof>(i)) == name) return static_cast<Proof>(i);
  }
  return Proof::none;
}

Transport transport_of(std::string_view name) {
  for (const auto transport : {Transport::tcp, Transport::tls, Transport::ws, Transport::wss}) {
    if (sipward::to_string(transport) == name) return transport;
  }
  return Transport::udp;
}

Evidence evidence_of(std::string_view name) {
  for (const auto evidence : {Evidence::proven, Evidence::trusted}) {
    if (sipward::to_string(evidence) == name) return evidence;
  }
  return Evidence::unproven;
}

std::string_view text_of(const json::object& object, const char* key) {
  const auto* found = object.if_contains(key);
  const auto* text = found ? found->if_string() : nullptr;
  return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

std::int64_t number_of(const json::object& object, const char* key, std::int64_t most) {
  const auto* found = object.if_contains(key);
  const auto* number = found ? found->if_int64() : nullptr;
  return number ? std::clamp<std::int64_t>(*number, 0, most) : 0;
}

std::vector<Signal> signals_of(const std::string& text) {
  std::vector<Signal> signals;
  boost::system::error_code code;
  const auto value = json::parse(text, code);
  const auto* all = code ? nullptr : value.if_array();
  if (!all) return signals;
  for (const auto& one : *all) {
    const auto* object = one.if_object();
    if (!object) continue;
    Signal s;
    s.at = Time(duration_cast<Duration>(wall(number_of(*object, "at", kLatest)).time_since_epoch()));
    s.reason = reason_of(text_of(*object, "reason"));
    s.method = sip::parse_method(text_of(*object, "method"));
    s.status = static_cast<std::uint16_t>(number_of(*object, "status", 999));
    s.weight = static_cast<std::uint16_t>(number_of(*object, "weight", 1000));
    s.proof = proof_of(text_of(*object, "proof"));
    s.transport = transport_of(text_of(*object, "transport"));
    s.user = ShortText(text_of(*object, "user"));
    signals.push_back(s);
  }
  return signals;
}

// Scope, prefix and port as columns first to first + 2; nullopt when somebody has put nonsense there.
struct Target {
  Scope scope;
  Cidr prefix;
  Port port;
};
std::optional<Target> target_of(SQLite::Statement& row, int first) {
  const auto scope = scope_of(row.getColumn(first).getString());
  const auto prefix = Cidr::parse(row.getColumn(first + 1).getString());
  const auto port = row.getColumn(first + 2).getInt64();
  if (!scope || !prefix || port < 0 || port > 65535) return std::nullopt;
  return Target{*scope, *prefix, static_cast<Port>(port)};
}

void create_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
  if (fd >= 0) ::close(fd);  // when it did not work SQLite says why
}

}  // namespace

struct Database::Statements {
  SQLite::Database file;
  std::optional<SQLite::Transaction> transaction;

  explicit Statements(const std::string& path)
      : file(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyTimeoutMs) {}

  std::unique_ptr<SQLite::Statement> ban, repeat, remove, hits, event;

  void prepare() {
    const auto make = [&](const std::string& text) {
      return std::make_unique<SQLite::Statement>(file, text);
    };
    ban = make("INSERT OR REPLACE INTO bans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    repeat = make(
        "INSERT INTO repeats VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET "
        "bans = CASE WHEN excluded.last - last >= " +
        std::to_string(milliseconds(BanStore::kRepeatMemory).count()) +
        " THEN 1 ELSE bans + 1 END, last = excluded.last");
    remove = make("DELETE FROM bans WHERE " + std::string(kKey) + " AND banned_at = ?6");
    hits = make("UPDATE bans SET hits = ?6 WHERE " + std::string(kKey) + " AND banned_at = ?7");
    event = make(
        "INSERT INTO events (guardian, at, event, prefix, port, reason, source, details, shadow, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  }

  // Binds what names a ban as parameters 1 to 5.
  static void bind_key(SQLite::Statement& statement, const std::string& guardian, const Ban& ban) {
    statement.bind(1, guardian);
    statement.bind(2, std::string(to_string(ban.scope)));
    statement.bind(3, ban.prefix.to_string());
    statement.bind(4, ban.port);
    statement.bind(5, ban.user_text);
  }
  static void run(SQLite::Statement& statement) {
    statement.exec();
    statement.reset();
  }
};

template <class Use>
auto Database::guarded(Use&& use) {
  try {
    return use(*sql_);
  } catch (const SQLite::Exception& e) {
    const int code = e.getErrorCode() & 0xFF;
    throw DatabaseError(e.what(), code == SQLITE_CORRUPT || code == SQLITE_NOTADB);
  }
}

Database::Database(const std::string& path, Journal journal) {
  create_private(path);
  try {
    sql_ = std::make_unique<Statements>(path);
  } catch (const SQLite::Exception& e) {
    throw DatabaseError(e.what(), false);
  }
  guarded([&](Statements& sql) {
    if (sqlite3_db_readonly(sql.file.getHandle(), "main") == 1)
      throw DatabaseError("it can only be read", false);
    if (const auto found = sql.file.execAndGet("PRAGMA quick_check(1)").getString(); found != "ok")
      throw DatabaseError(found, true);
    try {
      prepare_schema(sql.file);
    } catch (const SQLite::Exception&) {
      throw;
    } catch (const std::runtime_error& e) {
      throw DatabaseError(e.what(), false);
    }
    const bool wal = journal == Journal::wal;
    sql.file.execAndGet(wal ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = TRUNCATE");
    sql.file.exec("PRAGMA synchronous = FULL");
    sql.file.execAndGet("PRAGMA journal_size_limit = 67108864");
    sql.prepare();
  });
}

Database::~Database() = default;

void Database::load(const std::string& guardian, WallTime now, std::size_t part,
                    const std::function<void(KeptBans)>& take) {
  guarded([&](Statements& sql) {
    KeptBans kept;
    SQLite::Statement purge(sql.file, "DELETE FROM bans WHERE guardian = ? AND expires_at <= ?");
    purge.bind(1, guardian);
    purge.bind(2, ms(now));
    purge.exec();
    SQLite::Statement repeat(sql.file,
                             "SELECT scope, prefix, port, user, bans, last FROM repeats WHERE guardian = ? "
                             "ORDER BY last DESC LIMIT 20000");
    repeat.bind(1, guardian);
    while (repeat.executeStep()) {
      const auto target = target_of(repeat, 0);
      if (!target) continue;
      const auto bans = std::clamp<std::int64_t>(repeat.getColumn(4).getInt64(), 0, 1'000'000);
      kept.repeats.push_back({target->scope, target->prefix, target->port, repeat.getColumn(3).getString(),
                              static_cast<unsigned>(bans), wall(repeat.getColumn(5).getInt64())});
    }
    SQLite::Statement row(sql.file,
                          "SELECT scope, prefix, port, user, reason, source, automatic, evidence, proof, "
                          "banned_at, expires_at, "
                          "hits, signals, excerpt FROM bans WHERE guardian = ? ORDER BY banned_at");
    row.bind(1, guardian);
    while (row.executeStep()) {
      const auto target = target_of(row, 0);
      if (!target) continue;
      auto ban = std::make_unique<Ban>(target->scope, target->prefix, target->port, 0);
      ban->user_text = row.getColumn(3).getString();
      ban->reason = row.getColumn(4).getString();
      ban->source = row.getColumn(5).getString();
      ban->automatic = row.getColumn(6).getInt() != 0;
      ban->evidence = evidence_of(row.getColumn(7).getString());
      ban->proof = proof_of(row.getColumn(8).getString());
      ban->banned_at = wall(row.getColumn(9).getInt64());
      ban->expires_at = wall(row.getColumn(10).getInt64());
      ban->hits = static_cast<std::uint64_t>(std::max<std::int64_t>(row.getColumn(11).getInt64(), 0));
      ban->signals = signals_of(row.getColumn(12).getString());
      ban->excerpt = row.getColumn(13).getString();
      kept.bans.push_back(std::move(ban));
      if (kept.bans.size() >= part) take(std::exchange(kept, {}));
    }
    take(std::move(kept));
  });
}

void Database::begin() {
  guarded([](Statements& sql) { sql.transaction.emplace(sql.file, SQLite::TransactionBehavior::IMMEDIATE); });
}

void Database::commit() {
  guarded([](Statements& sql) { sql.transaction->commit(); });
  sql_->transaction.reset();
}

void Database::rollback() noexcept {
  if (!sql_) return;
  for (auto* statement : {&sql_->ban, &sql_->repeat, &sql_->remove, &sql_->hits, &sql_->event}) {
    if (*statement) (*statement)->tryReset();
  }
  sql_->transaction.reset();  // its end undoes what was not committed
}

void Database::put(const std::string& guardian, const Ban& ban, Fresh fresh) {
  guarded([&](Statements& sql) {
    auto& s = *sql.ban;
    sql.bind_key(s, guardian, ban);
    s.bind(6, ban.reason);
    s.bind(7, ban.source);
    s.bind(8, ban.automatic ? 1 : 0);
    s.bind(9, std::string(sipward::to_string(ban.evidence)));
    s.bind(10, std::string(sipward::to_string(ban.proof)));
    s.bind(11, ms(ban.banned_at));
    s.bind(12, ms(ban.expires_at));
    s.bind(13, static_cast<std::int64_t>(ban.hits));
    s.bind(14, signals_text(ban));
    s.bind(15, ban.excerpt);
    sql.run(s);
    if (fresh == Fresh::no || !ban.automatic) return;
    sql.bind_key(*sql.repeat, guardian, ban);
    sql.repeat->bind(6, ms(ban.banned_at));
    sql.run(*sql.repeat);
  });
}

void Database::remove(const std::string& guardian, const Ban& ban) {
  guarded([&](Statements& sql) {
    sql.bind_key(*sql.remove, guardian, ban);
    sql.remove->bind(6, ms(ban.banned_at));
    sql.run(*sql.remove);
  });
}

void Database::put_hits(const std::string& guardian, const Ban& ban, std::uint64_t hits) {
  guarded([&](Statements& sql) {
    sql.bind_key(*sql.hits, guardian, ban);
    sql.hits->bind(6, static_cast<std::int64_t>(hits));
    sql.hits->bind(7, ms(ban.banned_at));
    sql.run(*sql.hits);
  });
}

void Database::forget(const std::string& guardian, const Cidr& prefix) {
  guarded([&](Statements& sql) {
    const unsigned host = prefix.base.is_v4() ? 32 : 64;
    std::vector<std::string> inside{prefix.to_string()};
    // What else may lie inside: of one IPv6 host its flows, of a network everything.
    if (prefix.bits < host || !prefix.base.is_v4()) {
      const char* flows = prefix.bits >= host ? " AND scope = 'flow'" : "";
      SQLite::Statement row(sql.file,
                            std::string("SELECT DISTINCT prefix FROM repeats WHERE guardian = ?") + flows);
      row.bind(1, guardian);
      while (row.executeStep()) {
        auto text = row.getColumn(0).getString();
        const auto target = Cidr::parse(text);
        if (!target || (target->bits >= prefix.bits && prefix.contains(target->base)))
          inside.push_back(std::move(text));
      }
    }
    // The scopes are named so that the key is used.
    SQLite::Statement remove(sql.file,
                             "DELETE FROM repeats WHERE guardian = ? AND scope IN "
                             "('address', 'network', 'flow', 'identity') AND prefix = ?");
    for (const auto& text : inside) {
      remove.bind(1, guardian);
      remove.bind(2, text);
      sql.run(remove);
    }
  });
}

void Database::put(const std::string& guardian, const Event& event) {
  guarded([&](Statements& sql) {
    auto& s = *sql.event;
    s.bind(1, guardian);
    s.bind(2, ms(event.at));
    s.bind(3, std::string(to_string(event.kind)));
    s.bind(4, event.prefix.to_string());
    s.bind(5, event.port);
    s.bind(6, event.reason);
    s.bind(7, event.source);
    s.bind(8, event.details);
    s.bind(9, event.shadow ? 1 : 0);
    s.bind(10, ms(event.expires_at));
    sql.run(s);
  });
}

void Database::trim_history() {
  guarded([&](Statements& sql) {
    SQLite::Statement events(sql.file, "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?");
    events.bind(1, kHistory);
    events.exec();
  });
}

void Database::tidy(WallTime now) {
  guarded([&](Statements& sql) {
    SQLite::Statement repeats(sql.file,
                              "DELETE FROM repeats WHERE last < ?1 OR last < "
                              "(SELECT last FROM repeats ORDER BY last DESC LIMIT 1 OFFSET ?2)");
    repeats.bind(1, ms(now) - milliseconds(BanStore::kRepeatMemory).count());
    repeats.bind(2, kRepeats);
    repeats.exec();
    SQLite::Statement bans(sql.file, "DELETE FROM bans WHERE expires_at < ?");
    bans.bind(1, ms(now - std::chrono::hours(24)));
    bans.exec();
  });
}

}  // namespace sipward::guardian
