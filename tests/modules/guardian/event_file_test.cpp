#include "event_file.hpp"

#include <sys/stat.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <filesystem>

#include "event_text.hpp"
#include "guardian_harness.hpp"
#include "temporary_folder.hpp"

using namespace sipward;
using namespace sipward::guardian;
using namespace std::chrono_literals;
using test::GuardianHarness;
using test::TemporaryFolder;

namespace {

Event ban_event() {
  auto ban = std::make_shared<Ban>(Scope::address, *Cidr::parse("192.0.2.1"), Port(0), 0);
  ban->evidence = Evidence::proven;
  Event event;
  event.at = WallTime(1'700'000'000s);
  event.prefix = ban->prefix;
  event.reason = "scanner";
  event.source = "guardian";
  event.expires_at = event.at + 1h;
  event.ban = ban;
  return event;
}

struct Logging : GuardianHarness {
  explicit Logging(const std::string& sipfile) : GuardianHarness(sipfile) {
    for (const auto& service : host.services.take_new()) {
      if (!dynamic_cast<Instance*>(service.get())) service->start();
    }
  }
  void ban(const std::string& prefix, const std::string& reason = "by hand") {
    auto made = std::make_unique<Ban>();
    made->prefix = *Cidr::parse(prefix);
    made->reason = reason;
    made->source = "admin";
    instance->ban_by_hand(std::move(made), 1h);
  }
  // What the background thread does now and then.
  void write() {
    for (const auto& service : host.services.all()) {
      if (!dynamic_cast<Instance*>(service.get())) service->stop(host.clock.now());
    }
  }
  double lost() {
    for (const auto& family : host.metrics.collect()) {
      if (family.name != "sip_guardian_events_lost_total") continue;
      double sum = 0;
      for (const auto& sample : family.samples) sum += sample.number;
      return sum;
    }
    return -1;
  }
};

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a line of the ban log says who, why, by whom and until when") {
  auto event = ban_event();
  CHECK(ban_log_line("default", event) ==
        "2023-11-14T22:13:20Z sip_guardian[default] ban 192.0.2.1 scope=address reason=\"scanner\" "
        "source=\"guardian\" evidence=proven expires=2023-11-14T23:13:20Z");
  event.shadow = true;
  CHECK(ban_log_line("default", event).find("] would_ban 192.0.2.1 ") != std::string::npos);
  event = {};
  event.at = WallTime(1'700'000'000s);
  event.kind = EventKind::attack;
  event.prefix = *Cidr::parse("2001:db8::/64");
  event.port = 5060;
  CHECK(ban_log_line("default", event) ==
        "2023-11-14T22:13:20Z sip_guardian[default] attack 2001:db8::/64 port=5060 reason=\"\" source=\"\"");
}

TEST_CASE("no text gets out of its quotes or its line") {
  auto event = ban_event();
  event.reason =
      "x\" scope=address\n2023-11-14T22:13:20Z sip_guardian[default] ban 198.51.100.1 scope=address \xff%";
  event.source = "a]\\";
  const auto line = ban_log_line("a] ban 198.51.100.1\n", event);
  INFO(line);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(std::count(line.begin(), line.end(), '"') == 4);
  CHECK(std::count(line.begin(), line.end(), ']') == 1);
  CHECK(line.find("%0A") != std::string::npos);
  CHECK(line.find("%FF%25") != std::string::npos);
  const auto json = decision_json("a\nb", event);
  CHECK(json.find('\n') == std::string::npos);
  const auto object = boost::json::parse(json).as_object();
  CHECK(object.at("guardian") == "a%0Ab");
  CHECK(object.at("ip") == "192.0.2.1");
  CHECK(object.at("event") == "ban");
  CHECK(object.at("expires_at") == "2023-11-14T23:13:20Z");
}

TEST_CASE("both logs hear of every decision") {
  TemporaryFolder folder;
  Logging g("sip_guardian { ban_log " + (folder / "ban.log") + "; decision_log " + (folder / "all.json") +
            " }");
  CHECK(std::filesystem::exists(folder / "ban.log"));
  g.ban("192.0.2.1");
  g.instance->unban(*Cidr::parse("192.0.2.1"));
  g.write();
  const auto text = test::file_text(folder / "ban.log");
  CHECK(lines(text) == 2);
  CHECK(text.find("] ban 192.0.2.1 ") != std::string::npos);
  CHECK(text.find("] unban 192.0.2.1 ") != std::string::npos);
  CHECK(lines(test::file_text(folder / "all.json")) == 2);
}

TEST_CASE("a file that was moved away or removed is opened again before the next line") {
  TemporaryFolder folder;
  Logging g("sip_guardian { ban_log " + (folder / "ban.log") + " }");
  g.ban("192.0.2.1");
  g.write();
  std::filesystem::rename(folder / "ban.log", folder / "ban.log.1");
  g.ban("192.0.2.2");
  g.write();
  CHECK(lines(test::file_text(folder / "ban.log.1")) == 1);
  CHECK(test::file_text(folder / "ban.log").find("ban 192.0.2.2 ") != std::string::npos);
  std::filesystem::remove(folder / "ban.log");
  g.ban("192.0.2.3");
  g.write();
  CHECK(test::file_text(folder / "ban.log").find("ban 192.0.2.3 ") != std::string::npos);
}

TEST_CASE("the decision log is renamed when it has grown, and so many are kept") {
  TemporaryFolder folder;
  Logging g("sip_guardian { decision_log " + (folder / "all.json") + " { roll_size 1KiB; roll_keep 2 } }");
  for (int i = 1; i <= 40; ++i) g.ban("192.0.2." + std::to_string(i));
  g.write();
  for (const char* name : {"all.json", "all.json.1", "all.json.2"}) {
    INFO(name);
    const auto size = std::filesystem::file_size(folder / name);
    CHECK(size > 0);
    CHECK(size <= 1024);
    CHECK(test::file_text(folder / name).back() == '\n');
  }
  CHECK_FALSE(std::filesystem::exists(folder / "all.json.3"));
  CHECK(test::file_text(folder / "all.json").find("\"192.0.2.40\"") != std::string::npos);
}

TEST_CASE("what cannot be written is counted and told once, and the file is tried again") {
  TemporaryFolder folder;
  test::write_file(folder / "file", "");
  Logging g("sip_guardian { ban_log " + (folder / "file/ban.log") + " }");
  CHECK(g.host.log.lines().size() == 1);
  CHECK(g.host.log.lines().at(0).find("decisions can't be written") != std::string::npos);
  g.ban("192.0.2.1");
  g.write();
  g.ban("192.0.2.2");
  g.write();
  CHECK(g.lost() == 2);
  std::filesystem::remove(folder / "file");
  std::filesystem::create_directory(folder / "file");
  g.ban("192.0.2.3");
  g.write();
  CHECK(lines(test::file_text(folder / "file/ban.log")) == 1);
}

TEST_CASE("what has no room before the next writing is counted") {
  TemporaryFolder folder;
  Logging g("sip_guardian { ban_log " + (folder / "ban.log") + " }");
  for (std::size_t i = 0; i < EventFile::kQueue + 5; ++i)
    g.instance->events().publish(std::make_unique<Event>(Event()));
  CHECK(g.lost() == 5);
  g.write();
  CHECK(lines(test::file_text(folder / "ban.log")) == EventFile::kQueue);
}

TEST_CASE("a pipe that nobody reads holds nothing up") {
  TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  Logging g("sip_guardian { ban_log " + (folder / "pipe") + " }");
  g.ban("192.0.2.1");
  g.write();
  CHECK(g.lost() == 1);
}
