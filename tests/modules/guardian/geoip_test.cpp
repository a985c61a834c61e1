#include "geoip.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "guardian_harness.hpp"

using namespace sipward;
using namespace sipward::guardian;
using test::GuardianHarness;
namespace fs = std::filesystem;

namespace {

const fs::path kData = fs::path(SIPWARD_TEST_DIR) / "data/geoip";
const std::string kCountries = (kData / "GeoIP2-Country-Test.mmdb").string();
const std::string kNetworks = (kData / "GeoLite2-ASN-Test.mmdb").string();
const std::string kDamaged = (kData / "GeoIP2-City-Test-Invalid-Node-Count.mmdb").string();

// A file of the test's own that comes and goes.
class File {
 public:
  File() : path_(fs::temp_directory_path() / ("sipward-geoip-" + std::to_string(::getpid()))) { remove(); }
  ~File() { remove(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string path() const { return path_.string(); }
  void remove() { fs::remove(path_); }
  void write_over(const std::string& from, std::size_t most = ~std::size_t{0}) {
    std::ifstream in(from, std::ios::binary);
    std::string octets((std::istreambuf_iterator<char>(in)), {});
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << octets.substr(0, most);
  }
  void rename_over(const std::string& from) {
    const auto next = path_.string() + ".new";
    fs::copy_file(from, next, fs::copy_options::overwrite_existing);
    fs::rename(next, path_);
  }

 private:
  fs::path path_;
};

Place place_of(const GeoDatabase& database, const char* address) {
  Place place;
  database.look_up(*Address::parse(address), place);
  return place;
}

GeoipOptions read(const std::string& lines, std::string* said = nullptr) {
  config::Errors errors;
  const auto nodes = config::parse_text(
      "f", test::sipfile_lines("guardian { geoip_db c; asn_db n; " + lines + " }"), {}, errors);
  GeoipOptions options;
  config::Reader reader(nodes.at(0), errors);
  read_geoip(reader, options);
  reader.finish();
  if (said) *said = errors.to_string();
  return options;
}

const Peer kGb = GuardianHarness::peer("2.125.160.216:5060");
const Peer kUs = GuardianHarness::peer("216.160.83.56:5060");
const Peer kJp = GuardianHarness::peer("[2001:218::1]:5060");
const Peer kHome = GuardianHarness::peer("192.168.1.5:5060");
const Peer kTelstra = GuardianHarness::peer("1.128.0.1:5060");

// Value of sip_guardian_geoip_blocked_total{country=label}, or of a gauge when the label is empty.
double metric(GuardianHarness& g, const std::string& name, const std::string& label = {}) {
  for (const auto& family : g.host.metrics.collect()) {
    if (family.name != name) continue;
    for (const auto& sample : family.samples)
      if (sample.label_value == label) return sample.number;
  }
  return -1;
}

}  // namespace

TEST_CASE("a database knows countries and continents, or networks, of both families") {
  std::string why;
  const auto countries = GeoDatabase::load(kCountries, why);
  REQUIRE(countries);
  CHECK(place_of(*countries, "2.125.160.216").country == code_of("GB"));
  CHECK(place_of(*countries, "2.125.160.216").continent == code_of("EU"));
  CHECK(place_of(*countries, "::ffff:216.160.83.56").country == code_of("US"));
  CHECK(place_of(*countries, "2001:218::1").country == code_of("JP"));
  CHECK(place_of(*countries, "192.168.1.5").country == kNoCode);
  CHECK(place_of(*countries, "127.0.0.1").continent == kNoCode);
  const auto networks = GeoDatabase::load(kNetworks, why);
  REQUIRE(networks);
  CHECK(place_of(*networks, "1.128.0.1").network == 1221);
  CHECK(place_of(*networks, "1.128.0.1").country == kNoCode);
}

TEST_CASE("what is no whole database is refused with words, wherever it is cut off") {
  std::string why;
  CHECK_FALSE(GeoDatabase::load("/nonexistent/x.mmdb", why));
  CHECK(why == "No such file or directory");
  CHECK_FALSE(GeoDatabase::load("/", why));
  CHECK(why == "it is no file");
  CHECK_FALSE(GeoDatabase::load(kDamaged, why));
  CHECK(why.find("damaged") != std::string::npos);
  File file;
  const auto size = static_cast<std::size_t>(fs::file_size(kCountries));
  for (std::size_t most = 0; most < size; most += 97) {
    file.write_over(kCountries, most);
    INFO(most);
    CHECK_FALSE(GeoDatabase::load(file.path(), why));
  }
}

TEST_CASE("a database lives on when its file is cut short in place") {
  File file;
  file.write_over(kCountries);
  std::string why;
  const auto database = GeoDatabase::load(file.path(), why);
  REQUIRE(database);
  file.write_over(kCountries, 0);
  CHECK(place_of(*database, "2.125.160.216").country == code_of("GB"));
}

TEST_CASE("what is asked for may be damaged in any octet") {
  std::ifstream in(kCountries, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  File file;
  std::string why;
  for (std::size_t at = 0; at < good.size(); at += 61) {
    auto bad = good;
    bad[at] = static_cast<char>(~bad[at]);
    std::ofstream(file.path(), std::ios::binary | std::ios::trunc) << bad;
    const auto database = GeoDatabase::load(file.path(), why);
    for (const char* address : {"2.125.160.216", "216.160.83.56", "2001:218::1", "81.2.69.160", "0.0.0.0"})
      if (database) place_of(*database, address);
  }
}

TEST_CASE("deny and allow lists, and what is not known of an address") {
  const auto refuses = [](const std::string& lines, const Place& place) -> std::string {
    const auto label = GeoRules(read(lines)).refuses(place);
    return label ? std::string(GeoRules::labels()[*label]) : "";
  };
  const Place gb{code_of("GB"), code_of("EU"), 0};
  const Place af{code_of("AF"), code_of("AS"), 0};
  const Place za{code_of("ZA"), code_of("AF"), 0};
  const Place asn{kNoCode, kNoCode, 1221};
  const Place sea{kNoCode, code_of("EU"), 0};
  const Place unknown;
  CHECK(refuses("blocked_countries GB", gb) == "GB");
  CHECK(refuses("blocked_countries CN RU", gb).empty());
  CHECK(refuses("blocked_countries EU", gb) == "GB");
  CHECK(refuses("blocked_countries continent:EU", sea) == "other");
  CHECK(refuses("blocked_countries AF", af) == "AF");
  CHECK(refuses("blocked_countries AF", za).empty());
  CHECK(refuses("blocked_countries continent:AF", af).empty());
  CHECK(refuses("blocked_countries continent:AF", za) == "ZA");
  CHECK(refuses("blocked_asns AS1221 7", asn) == "asn");
  CHECK(refuses("blocked_asns AS1222", asn).empty());
  CHECK(refuses("blocked_asns 0", unknown).empty());
  CHECK(refuses("allowed_countries GB", gb).empty());
  CHECK(refuses("allowed_countries continent:EU", gb).empty());
  CHECK(refuses("allowed_countries US", gb) == "GB");
  CHECK(refuses("allowed_countries US", unknown).empty());
  CHECK(refuses("allowed_countries US", sea).empty());
  CHECK(refuses("allowed_countries GB; blocked_countries EU", gb) == "GB");
}

TEST_CASE("codes that may mean something else are warned of, and nonsense is an error") {
  std::string said;
  read("blocked_countries AS", &said);
  CHECK(said.find("AS is the country American Samoa; Asia is continent:AS") != std::string::npos);
  read("allowed_countries NA SA AF", &said);
  CHECK(said.find("Namibia") != std::string::npos);
  CHECK(said.find("Saudi Arabia") != std::string::npos);
  CHECK(said.find("Afghanistan") != std::string::npos);
  read("blocked_countries OC", &said);
  CHECK(said.find("OC is no country; Oceania is continent:OC") != std::string::npos);
  read("blocked_countries UK", &said);
  CHECK(said.find("GB") != std::string::npos);
  read("blocked_countries QX", &said);
  CHECK(said.find("warning") != std::string::npos);
  read("blocked_countries GB; allowed_countries GB", &said);
  CHECK(said.find("blocked, too") != std::string::npos);
  read("blocked_countries CN EU continent:AS XK", &said);
  CHECK(said.empty());
  for (const char* bad :
       {"blocked_countries cn", "blocked_countries CHN", "blocked_countries continent:XX",
        "allowed_countries continent:", "blocked_asns ASX", "blocked_asns -1", "blocked_asns 4294967296"}) {
    INFO(bad);
    read(bad, &said);
    CHECK(said.find(" wants ") != std::string::npos);
  }
}

TEST_CASE("a listed country is refused before anything is read, counted, and never banned") {
  GuardianHarness g("sip_guardian { geoip_db " + kCountries + "; asn_db " + kNetworks +
                    "; blocked_countries GB; blocked_asns AS1221; on_block reply 403 }");
  for (int i = 0; i < 20; ++i) CHECK_FALSE(g.passes(kGb, g.next().request()));
  CHECK_FALSE(g.passes(kTelstra, g.next().request()));
  CHECK(g.passes(kUs, g.next().request()));
  CHECK(g.passes(kJp, g.next().request()));
  CHECK(g.passes(kHome, g.next().request()));
  CHECK(metric(g, "sip_guardian_geoip_blocked_total", "GB") == 20);
  CHECK(metric(g, "sip_guardian_geoip_blocked_total", "asn") == 1);
  CHECK(metric(g, "sip_guardian_blocked_total", "geoip") == 21);
  CHECK(metric(g, "sip_guardian_decisions_total", "drop,geoip") == 21);
  CHECK(g.total(Tally::failures) == 0);
  CHECK_FALSE(g.banned(kGb));
  CHECK_FALSE(g.soft_blocked(kGb));
  auto& worker = g.host.workers.at(0);
  const auto tcp = GuardianHarness::peer("2.125.160.216:40000", Transport::tcp);
  CHECK(g.handler->on_admit(worker, {tcp.remote, tcp.local, tcp.transport}) == Verdict::drop);
}

TEST_CASE("an allow list refuses all others, but nobody of whom nothing is known") {
  GuardianHarness g("sip_guardian { geoip_db " + kCountries + "; allowed_countries JP }");
  CHECK_FALSE(g.passes(kGb, g.next().request()));
  CHECK_FALSE(g.passes(kUs, g.next().request()));
  CHECK(g.passes(kJp, g.next().request()));
  CHECK(g.passes(kHome, g.next().request()));
  CHECK(g.passes(GuardianHarness::peer("127.0.0.1:5060"), g.next().request()));
}

TEST_CASE("the whitelist passes before countries do, and a ban comes first") {
  GuardianHarness g("sip_guardian { geoip_db " + kCountries +
                    "; blocked_countries GB US; whitelist 2.125.160.216 }");
  CHECK(g.passes(kGb, g.next().request()));
  auto ban = std::make_unique<Ban>(Scope::address, *Cidr::parse("216.160.83.56"), 0, 0);
  g.instance->ban_by_hand(std::move(ban), std::chrono::hours(1));
  g.host.workers.run();
  CHECK_FALSE(g.passes(kUs, g.next().request()));
  CHECK(metric(g, "sip_guardian_blocked_total", "banned") == 1);
  CHECK(metric(g, "sip_guardian_blocked_total", "geoip") == 0);
}

TEST_CASE("in shadow a listed country is only counted") {
  GuardianHarness g("sip_guardian { geoip_db " + kCountries + "; blocked_countries GB; mode shadow }");
  CHECK(g.passes(kGb, g.next().request()));
  CHECK(metric(g, "sip_guardian_decisions_total", "would_drop,geoip") == 1);
  CHECK(metric(g, "sip_guardian_geoip_blocked_total", "GB") == 0);
}

TEST_CASE("a database is replaced while running, and a broken one keeps the last good one") {
  File file;
  file.rename_over(kNetworks);  // knows no countries
  GuardianHarness g("sip_guardian { geoip_db " + file.path() + "; blocked_countries GB }");
  const auto files = g.host.services.find<GeoFiles>("sip_guardian/geoip_files");
  REQUIRE(files);
  CHECK(g.passes(kGb, g.next().request()));
  CHECK(metric(g, "sip_guardian_geoip_up") == 1);
  const auto look_twice = [&] {
    files->look();
    files->look();
  };
  file.rename_over(kCountries);
  look_twice();
  CHECK_FALSE(g.passes(kGb, g.next().request()));
  file.write_over(kCountries, 5'000);  // half written
  files->look();
  CHECK(metric(g, "sip_guardian_geoip_up") == 1);  // whoever writes may not be done
  files->look();
  CHECK(metric(g, "sip_guardian_geoip_up") == 0);
  CHECK_FALSE(g.passes(kGb, g.next().request()));
  file.remove();
  look_twice();
  CHECK_FALSE(g.passes(kGb, g.next().request()));
  file.rename_over(kDamaged);
  look_twice();
  CHECK_FALSE(g.passes(kGb, g.next().request()));
  CHECK(metric(g, "sip_guardian_geoip_up") == 0);
  file.rename_over(kNetworks);
  look_twice();
  CHECK(metric(g, "sip_guardian_geoip_up") == 1);
  CHECK(g.passes(kGb, g.next().request()));
}

TEST_CASE("without its database nobody is refused, unless it is required") {
  GuardianHarness g("sip_guardian { geoip_db /nonexistent/x.mmdb; allowed_countries JP }");
  CHECK(g.passes(kGb, g.next().request()));
  CHECK(metric(g, "sip_guardian_geoip_up") == 0);
  CHECK_THROWS_AS(GuardianHarness("sip_guardian { geoip_db /nonexistent/x.mmdb; geoip_required }"),
                  config::ConfigError);
  CHECK_THROWS_AS(GuardianHarness("sip_guardian { geoip_db " + kDamaged + "; geoip_required }"),
                  config::ConfigError);
}
