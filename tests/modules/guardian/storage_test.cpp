#include "storage.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <thread>

#include "file_system.hpp"
#include "guardian_harness.hpp"
#include "schema.hpp"
#include "temporary_folder.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;
using test::TemporaryFolder;

namespace {

const Peer kTcp = GuardianHarness::peer("192.0.2.20:40000", Transport::tcp);

std::string options(const std::string& path, const std::string& more = {}) {
  return "sip_guardian { storage { path " + path + " }; " + more + " }";
}

// A guardian whose storage runs. The instance's own thread does not: the clock belongs to the test.
struct Kept : GuardianHarness {
  explicit Kept(const std::string& sipfile) : GuardianHarness(sipfile) { start(); }
  void start() {
    for (const auto& service : host.services.take_new()) {
      if (!dynamic_cast<Instance*>(service.get())) service->start();
    }
    host.workers.run();
  }
  // The same guardian in the next configuration.
  void reload(const std::string& sipfile) {
    host.scope = {};
    host.endpoints = {};
    add(sipfile);
    start();
  }
  // Whether everything is on the disk now; a busy disk may need more than the time that a person is made to
  // wait.
  bool settles() {
    for (int i = 0; i < 12; ++i)
      if (instance->settle()) return true;
    return false;
  }
  BanPtr ban_by_hand(const std::string& prefix, std::chrono::milliseconds time = 1h) {
    auto ban = std::make_unique<Ban>();
    ban->prefix = *Cidr::parse(prefix);
    ban->scope = prefix.find('/') == std::string::npos ? Scope::address : Scope::network;
    ban->reason = "by hand";
    ban->source = "admin";
    ban->automatic = false;
    const auto made = instance->ban_by_hand(std::move(ban), time);
    host.workers.run();
    return made;
  }
  bool bites(const std::string& address) {
    return !passes(peer(address + ":40000", Transport::tcp), next().request());
  }
  void attack(const Peer& from) {
    auto text = next();
    text.extra = "User-Agent: sipvicious\r\n";
    passes(from, text.request());
  }
  double metric(const std::string& name) {
    for (const auto& family : host.metrics.collect()) {
      if (family.name == name) return family.samples.at(0).number;
    }
    return -1;
  }
  bool logged(const std::string& words) {
    for (const auto& line : host.log.lines()) {
      if (line.find(words) != std::string::npos) return true;
    }
    return false;
  }
};

int count(const std::string& path, const std::string& query) {
  SQLite::Database file(path, SQLite::OPEN_READONLY);
  return file.execAndGet(query).getInt();
}

// Waits for what another thread does; its bound is only there so that a fault ends the test.
template <class Condition>
bool soon(Condition&& condition) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// A file of version 1, as the sqlite3 tool prints it.
constexpr const char* kVersion1File = R"(
PRAGMA application_id = 1397313623;
PRAGMA user_version = 1;
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
INSERT INTO bans VALUES('default','address','192.0.2.20',0,'','scanner','guardian',1,'proven','handshake',
  1000,4000000000000,7,'[{"at":1000,"reason":"scanner","method":"OPTIONS","status":0,"weight":1,"proof":"handshake"}]',
  'OPTIONS sip:x SIP/2.0');
INSERT INTO bans VALUES('default','nonsense','192.0.2.21',0,'','x','x',1,'x','x',1000,4000000000000,0,'','');
INSERT INTO events VALUES(1,'default',1000,'ban','192.0.2.20',0,'scanner','guardian','',0,4000000000000);
)";

}  // namespace

TEST_CASE("bans come back with all that explains them, and bite at the first packet") {
  TemporaryFolder folder;
  BanPtr before;
  {
    Kept g(options(folder / "bans.db"));
    CHECK(g.metric("sip_guardian_storage_up") == 1);
    g.attack(kTcp);
    CHECK(g.bites("192.0.2.20"));
    g.ban_by_hand("198.51.100.0/24");
    before = g.instance->store().covering(kTcp.remote.address).at(0);
    REQUIRE(g.settles());
    CHECK(count(folder / "bans.db", "SELECT count(*) FROM bans") == 2);
    CHECK(count(folder / "bans.db", "SELECT count(*) FROM events WHERE event = 'ban'") == 2);
  }
  Kept g(options(folder / "bans.db"));
  CHECK(g.instance->store().size() == 2);
  const auto after = g.instance->store().covering(kTcp.remote.address).at(0);
  CHECK(after->reason == "scanner");
  CHECK(after->evidence == Evidence::proven);
  CHECK(after->proof == Proof::handshake);
  CHECK(after->automatic);
  CHECK(after->banned_at == before->banned_at);
  CHECK(after->expires_at == before->expires_at);
  CHECK(after->expires == before->expires);  // both clocks began alike
  CHECK(after->excerpt == before->excerpt);
  CHECK(after->hits == 1);
  REQUIRE(after->signals.size() == 1);
  CHECK(after->signals[0].at == before->signals[0].at);
  CHECK(after->signals[0].reason == Reason::scanner);
  CHECK(after->signals[0].method == sip::Method::options);
  CHECK(g.bites("192.0.2.20"));
  CHECK(g.bites("198.51.100.77"));
  CHECK_FALSE(g.bites("203.0.113.7"));
}

TEST_CASE("what was lifted or has expired does not come back") {
  TemporaryFolder folder;
  {
    Kept g(options(folder / "bans.db"));
    g.ban_by_hand("192.0.2.1");
    g.ban_by_hand("192.0.2.2", 10s);
    g.ban_by_hand("192.0.2.3", 10h);
    CHECK(g.instance->unban(*Cidr::parse("192.0.2.1")));
    CHECK(g.settles());
    CHECK(count(folder / "bans.db", "SELECT count(*) FROM bans") == 2);
  }
  Kept g("sip_guardian");
  g.host.clock.advance(1h);
  g.reload(options(folder / "bans.db"));
  CHECK_FALSE(g.bites("192.0.2.1"));
  CHECK_FALSE(g.bites("192.0.2.2"));
  CHECK(g.bites("192.0.2.3"));
  CHECK(g.instance->store().all().at(0)->expires - g.host.clock.now() == 9h);
}

TEST_CASE("the ban of a user and of a flow come back for just these") {
  TemporaryFolder folder;
  const auto phone = GuardianHarness::peer("192.0.2.30:5060");
  {
    Kept g(options(folder / "bans.db"));
    REQUIRE(g.log_in(phone, "alice", 200));
    for (int i = 0; i < 6; ++i) g.log_in(GuardianHarness::peer("192.0.2.30:5070"), "bob", 401);
    REQUIRE(g.ban_scope(phone) == "identity");
    REQUIRE(g.settles());
  }
  Kept g(options(folder / "bans.db"));
  REQUIRE(g.ban_scope(phone) == "identity");
  CHECK(g.passes(phone, g.register_as("alice").request()));
  CHECK_FALSE(g.passes(GuardianHarness::peer("192.0.2.30:5071"), g.register_as("bob").request()));
}

TEST_CASE("ban_escalation remembers over a restart") {
  TemporaryFolder folder;
  const auto sipfile = options(folder / "bans.db", "ban_time 1h; ban_escalation 2 max 24h");
  {
    Kept g(sipfile);
    g.attack(kTcp);
    CHECK(g.settles());
  }
  {
    Kept g("sip_guardian");
    g.host.clock.advance(2h);
    g.reload(sipfile);
    CHECK(g.instance->store().size() == 0);
    g.attack(kTcp);
    REQUIRE(g.instance->store().size() == 1);
    CHECK(g.instance->store().all()[0]->expires - g.host.clock.now() == 2h);
    CHECK(g.settles());
    g.instance->unban(*Cidr::parse("192.0.2.20"));
    CHECK(g.settles());
  }
  CHECK(count(folder / "bans.db", "SELECT count(*) FROM repeats") == 0);
}

TEST_CASE("a file of version 1 is brought up to date") {
  TemporaryFolder folder;
  SQLite::Database(folder / "bans.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(kVersion1File);
  Kept g(options(folder / "bans.db"));
  REQUIRE(g.instance->store().size() == 1);
  const auto ban = g.instance->store().all()[0];
  CHECK(ban->hits == 7);
  CHECK(ban->signals.size() == 1);
  CHECK(g.bites("192.0.2.20"));
  CHECK(count(folder / "bans.db", "PRAGMA user_version") == kSchemaVersion);
  CHECK(count(folder / "bans.db", "SELECT bans FROM repeats") == 1);
  CHECK(count(folder / "bans.db", "SELECT count(*) FROM events") == 1);
}

TEST_CASE("a damaged file is put aside, and a new one keeps bans") {
  TemporaryFolder folder;
  test::write_file(folder / "bans.db", std::string(8192, 'x'));
  Kept g(options(folder / "bans.db"));
  CHECK(g.metric("sip_guardian_storage_up") == 1);
  CHECK(g.logged("error sip_guardian: storage is damaged"));
  g.ban_by_hand("192.0.2.1");
  CHECK(g.settles());
  CHECK(count(folder / "bans.db", "SELECT count(*) FROM bans") == 1);
  int aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().filename().string().rfind("bans.db.damaged-", 0) != 0) continue;
    ++aside;
    CHECK(test::file_text(entry.path()) == std::string(8192, 'x'));
  }
  CHECK(aside == 1);
}

TEST_CASE("another program's database, and one of a newer Sipward, are left alone") {
  for (const char* text :
       {"CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1);",
        "PRAGMA application_id = 1397313623; PRAGMA user_version = 99; CREATE TABLE t (a);"}) {
    TemporaryFolder folder;
    SQLite::Database(folder / "bans.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(text);
    const auto before = test::file_text(folder / "bans.db");
    Kept g(options(folder / "bans.db"));
    CHECK(g.metric("sip_guardian_storage_up") == 0);
    CHECK(g.logged("storage can't be used"));
    g.ban_by_hand("192.0.2.1");
    CHECK(g.bites("192.0.2.1"));
    CHECK_FALSE(g.instance->settle());
    CHECK(test::file_text(folder / "bans.db") == before);
  }
}

TEST_CASE("without a usable file bans hold in memory, and are stored when it can be used again") {
  TemporaryFolder folder;
  test::write_file(folder / "in_the_way", "");
  GuardianHarness g;
  auto ban = [&](const char* prefix) {
    auto made = std::make_unique<Ban>();
    made->prefix = *Cidr::parse(prefix);
    return g.instance->store().add(std::move(made), 1h).ban;
  };
  struct Client final : Storage::Client {
    Instance& instance;
    explicit Client(Instance& i) : instance(i) {}
    std::shared_ptr<const std::string> guardian() const override { return name; }
    void restore(KeptBans kept) override { instance.restore(std::move(kept)); }
    std::uint64_t last_id() const override { return instance.store().last_id(); }
    std::vector<BanPtr> in_force(std::uint64_t after) const override {
      return instance.store().some(after, Storage::kPart);
    }
    std::shared_ptr<const std::string> name = std::make_shared<const std::string>("default");
  };
  Storage storage(
      {.path = folder / "in_the_way/bans.db", .clock = g.host.clock, .log = g.host.log, .retry = 20ms});
  storage.start();
  const auto client = std::make_shared<Client>(*g.instance);
  CHECK(storage.attach(client, 20s));
  CHECK_FALSE(storage.is_up());
  const auto first = ban("192.0.2.1");
  storage.queue()->push(StorageOp{StorageOp::What::ban, client->name, first});
  CHECK_FALSE(storage.queue()->flush(20s));
  std::filesystem::remove(folder / "in_the_way");
  CHECK(soon([&] { return storage.is_up(); }));
  const auto second = ban("192.0.2.2");
  storage.queue()->push(StorageOp{StorageOp::What::ban, client->name, second});
  CHECK(storage.queue()->flush(20s));
  CHECK(count(folder / "in_the_way/bans.db", "SELECT count(*) FROM bans") == 2);
}

TEST_CASE("a file that is taken away is made again with what is in force") {
  TemporaryFolder folder;
  Kept g(options(folder / "bans.db"));
  g.ban_by_hand("192.0.2.1");
  CHECK(g.settles());
  std::filesystem::remove(folder / "bans.db");
  g.ban_by_hand("192.0.2.2");
  CHECK(g.settles());
  CHECK(count(folder / "bans.db", "SELECT count(*) FROM bans") == 2);
}

TEST_CASE("two guardians may keep their bans in one file") {
  TemporaryFolder folder;
  {
    Kept g(options(folder / "bans.db"));
    g.ban_by_hand("192.0.2.1");
    g.add("sip_guardian other { storage { path " + (folder / "bans.db") + " } }");
    g.start();
    g.ban_by_hand("192.0.2.2");
    CHECK(g.settles());
  }
  Kept g(options(folder / "bans.db"));
  CHECK(g.instance->store().size() == 1);
  CHECK(g.bites("192.0.2.1"));
  CHECK_FALSE(g.bites("192.0.2.2"));
}

TEST_CASE("a reload keeps the writer of its path, and moves to another one with all bans") {
  TemporaryFolder folder;
  Kept g(options(folder / "a.db"));
  g.ban_by_hand("192.0.2.1");
  const auto writer = g.host.services.find<Storage>("sip_guardian_storage/" + (folder / "a.db"));
  REQUIRE(writer);
  g.reload(options(folder / "a.db"));
  CHECK(g.host.services.find<Storage>("sip_guardian_storage/" + (folder / "a.db")) == writer);
  g.reload(options(folder / "b.db"));
  g.ban_by_hand("192.0.2.2");
  CHECK(g.settles());
  CHECK(count(folder / "b.db", "SELECT count(*) FROM bans") == 2);
}

TEST_CASE("hits are stored when the service stops") {
  TemporaryFolder folder;
  {
    Kept g(options(folder / "bans.db"));
    g.ban_by_hand("192.0.2.1");
    for (int i = 0; i < 3; ++i) CHECK(g.bites("192.0.2.1"));
    for (const auto& service : g.host.services.all()) service->stop(g.host.clock.now() + 5s);
    CHECK(count(folder / "bans.db", "SELECT hits FROM bans") == 3);
  }
}

TEST_CASE("history that has no room is refused, bans always get in") {
  StorageQueue queue({.bans = 3, .history = 2});
  const auto name = std::make_shared<const std::string>("default");
  const auto event = std::make_shared<const Event>();
  CHECK(queue.push(HistoryOp{name, event}));
  CHECK(queue.push(HistoryOp{name, event}));
  CHECK_FALSE(queue.push(HistoryOp{name, event}));
  for (int i = 0; i < 3; ++i) queue.push(StorageOp{StorageOp::What::ban, name});
  auto work = queue.take(1s, 0ms, 1);
  CHECK(work.bans.size() == 3);
  CHECK(work.history.size() == 1);
  CHECK_FALSE(work.overflowed);
  for (int i = 0; i < 4; ++i) queue.push(StorageOp{StorageOp::What::ban, name});
  work = queue.take(1s, 0ms, 10);
  CHECK(work.overflowed);  // so that all bans in force are written
  CHECK(work.history.size() == 1);
  queue.done(work, true);
  CHECK(queue.flush(0ms));
}

TEST_CASE("what does not fit into the history is counted") {
  TemporaryFolder folder;
  Kept g(options(folder / "bans.db"));
  const auto storage = g.host.services.find<Storage>("sip_guardian_storage/" + (folder / "bans.db"));
  for (int i = 0; i < 400'000 && g.metric("sip_guardian_events_lost_total") == 0; i += 1'000) {
    for (int j = 0; j < 1'000; ++j) {
      auto event = std::make_unique<Event>();
      event->kind = EventKind::attack;
      g.instance->events().publish(std::move(event));
    }
  }
  CHECK(g.metric("sip_guardian_events_lost_total") > 0);
  g.ban_by_hand("192.0.2.1");
  CHECK(g.settles());
  CHECK(count(folder / "bans.db", "SELECT count(*) FROM bans") == 1);
}

TEST_CASE("a file that machines share gets no write-ahead log") {
  CHECK(is_network_file_system(0x6969));
  CHECK(is_network_file_system(0xFF534D42));
  CHECK(is_network_file_system(0xFFFFFFFFFE534D42));  // as a signed 32-bit number comes
  CHECK(is_network_file_system(0x65735546));
  CHECK_FALSE(is_network_file_system(0xEF53));      // ext4
  CHECK_FALSE(is_network_file_system(0x01021994));  // tmpfs
  CHECK(file_system_of("/proc/nothing") == 0x9FA0);
  for (const bool shared : {false, true}) {
    TemporaryFolder folder;
    GuardianHarness g;
    Storage storage({.path = folder / "bans.db",
                     .clock = g.host.clock,
                     .log = g.host.log,
                     .file_system = [&](const std::string&) { return shared ? 0x6969U : 0xEF53U; }});
    storage.start();
    CHECK(soon([&] { return storage.is_up(); }));
    SQLite::Database file(folder / "bans.db", SQLite::OPEN_READONLY);
    CHECK(file.execAndGet("PRAGMA journal_mode").getString() == (shared ? "delete" : "wal"));
    const auto lines = g.host.log.lines();
    CHECK(lines.size() == (shared ? 1U : 0U));
    if (shared) CHECK(lines.at(0).find("network file system") != std::string::npos);
  }
}

TEST_CASE("stored bans of addresses that are protected now stay out") {
  TemporaryFolder folder;
  {
    Kept g(options(folder / "bans.db"));
    g.ban_by_hand("192.0.2.1");
    g.ban_by_hand("192.0.2.2");
    CHECK(g.settles());
  }
  Kept g("sip_guardian");
  const auto guard = g.host.protected_addresses.add("upstream", {*Address::parse("192.0.2.1")});
  g.reload(options(folder / "bans.db"));
  CHECK_FALSE(g.bites("192.0.2.1"));
  CHECK(g.bites("192.0.2.2"));
}

TEST_CASE("the end of a ban is told: by time, by room, by hand") {
  struct Heard final : EventSink {
    void take(const EventPtr& event) noexcept override {
      if (event->kind == EventKind::unban) said += event->source + " " + event->prefix.to_string() + "; ";
    }
    std::string said;
  };
  Kept g("sip_guardian");
  const auto heard = std::make_shared<Heard>();
  g.instance->events().subscribe(heard);
  g.instance->end_expired();
  g.ban_by_hand("192.0.2.1", 10s);
  g.ban_by_hand("192.0.2.2", 20s);
  g.ban_by_hand("192.0.2.3", 30s);
  g.host.clock.advance(10s);
  CHECK(g.instance->store().size() == 2);  // whoever looks first
  g.instance->end_expired();
  CHECK(heard->said == "expiry 192.0.2.1; ");
  g.instance->unban(*Cidr::parse("192.0.2.2"));
  g.host.clock.advance(60s);
  g.instance->end_expired();
  g.instance->end_expired();
  CHECK(heard->said == "expiry 192.0.2.1; admin 192.0.2.2; expiry 192.0.2.3; ");
}

TEST_CASE("the ends of many bans are told little by little") {
  struct Heard final : EventSink {
    void take(const EventPtr& event) noexcept override { ends += event->source == "expiry" ? 1 : 0; }
    std::size_t ends = 0;
  };
  Kept g("sip_guardian");
  const auto heard = std::make_shared<Heard>();
  g.instance->events().subscribe(heard);
  g.instance->end_expired();
  KeptBans many;
  const auto now = g.host.clock.wall();
  for (std::size_t i = 0; i < Instance::kEndsATime + 3; ++i) {
    const Cidr prefix{Address::v4(0xC6120000U + static_cast<std::uint32_t>(i)), 32};
    auto ban = std::make_unique<Ban>(Scope::address, prefix, Port(0), 0);
    ban->banned_at = now;
    ban->expires_at = now + 10s;
    many.bans.push_back(std::move(ban));
  }
  CHECK(g.instance->restore(std::move(many)) == Instance::kEndsATime + 3);
  g.host.clock.advance(10s);
  g.instance->end_expired();
  CHECK(heard->ends == Instance::kEndsATime);
  CHECK(g.instance->store().size() == 0);
  g.instance->end_expired();
  CHECK(heard->ends == Instance::kEndsATime + 3);
}
