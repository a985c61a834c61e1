#include <catch2/catch.hpp>
#include <thread>

#include "sipward/config/errors.hpp"
#include "sipward/metrics.hpp"

namespace {

using sipward::Counter;
using sipward::MetricFamily;
using sipward::Metrics;
using sipward::config::ConfigError;

constexpr std::string_view kMethods[] = {"REGISTER", "INVITE", "other"};

const MetricFamily* find(const std::vector<MetricFamily>& families, std::string_view name) {
  for (const auto& family : families) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a counter is the sum of what every thread counted") {
  Metrics metrics(4);
  const auto counter = metrics.counter("requests_total", "Requests.", "method", kMethods);
  {
    std::vector<std::jthread> threads;
    for (std::size_t worker = 0; worker < 4; ++worker) {
      threads.emplace_back([&, worker] {
        for (int i = 0; i < 10'000; ++i) counter.add(worker, 1);
      });
    }
    for (int other = 0; other < 2; ++other) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10'000; ++i) counter.add_shared(2);
      });
    }
  }
  CHECK(counter.sum(0) == 0);
  CHECK(counter.sum(1) == 40'000);
  CHECK(counter.sum(2) == 20'000);
  CHECK(counter.total() == 60'000);
}

TEST_CASE("a name declared again gives the same cells") {
  Metrics metrics(1);
  metrics.counter("requests_total", "Requests.", "method", kMethods).add(0, 0, 5);
  CHECK(metrics.counter("requests_total", "Requests.", "method", kMethods).sum(0) == 5);
}

TEST_CASE("a name declared again as something else is refused") {
  Metrics metrics(1);
  metrics.counter("requests_total", "Requests.", "method", kMethods);
  metrics.histogram("size_bytes", "Sizes.", {100, 1000});
  constexpr std::string_view kOthers[] = {"REGISTER"};
  CHECK_THROWS_AS(metrics.counter("requests_total", "Requests."), ConfigError);
  CHECK_THROWS_AS(metrics.counter("requests_total", "Requests.", "rule", kMethods), ConfigError);
  CHECK_THROWS_AS(metrics.counter("requests_total", "Requests.", "method", kOthers), ConfigError);
  CHECK_THROWS_AS(metrics.histogram("requests_total", "Requests.", {1}), ConfigError);
  CHECK_THROWS_AS(metrics.histogram("size_bytes", "Sizes.", {100}), ConfigError);
  CHECK_THROWS_AS(metrics.gauge("size_bytes", "Sizes.", {}, [] { return 0.0; }), ConfigError);
}

TEST_CASE("what Prometheus would not take as a name is refused") {
  Metrics metrics(1);
  for (const char* name : {"", "9lives", "with space", "new\nline", "dash-ed"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(metrics.counter(name, ""), ConfigError);
  }
  CHECK_THROWS_AS(metrics.counter("a", "", "la:bel", kMethods), ConfigError);
  CHECK_THROWS_AS(metrics.histogram("h", "", {10, 10}), ConfigError);
}

TEST_CASE("a histogram counts a value into its bucket and all above") {
  Metrics metrics(2);
  const auto sizes = metrics.histogram("size_bytes", "Sizes.", {100, 1000});
  sizes.observe(0, 100);  // an upper bound belongs to its bucket
  sizes.observe(1, 101);
  sizes.observe(1, 5000);
  const auto families = metrics.collect();
  const auto* family = find(families, "size_bytes");
  REQUIRE(family);
  CHECK(family->type == "histogram");
  std::string text;
  for (const auto& sample : family->samples) {
    text += sample.suffix + "/" + sample.label_value + "=" + std::to_string(static_cast<int>(sample.number)) +
            " ";
  }
  CHECK(text == "_bucket/100=1 _bucket/1000=2 _bucket/+Inf=3 _sum/=5201 _count/=3 ");
}

TEST_CASE("a gauge is read as long as its owner lives, and owners of one name are added up") {
  Metrics metrics(1);
  auto first = std::make_shared<int>(3);
  const auto second = std::make_shared<int>(4);
  metrics.gauge("active_bans", "Bans.", first, [p = first.get()] { return *p; });
  metrics.gauge("active_bans", "Bans.", first, [p = first.get()] { return *p * 10; });
  metrics.gauge("active_bans", "Bans.", second, [p = second.get()] { return *p; });
  CHECK(metrics.collect().at(0).samples.at(0).number == 34);
  first.reset();
  CHECK(metrics.collect().at(0).samples.at(0).number == 4);
}

TEST_CASE("families come sorted by name, and one without a sample not at all") {
  Metrics metrics(1);
  metrics.counter("b_total", "B.");
  metrics.counter("a_total", "A.");
  metrics.gauge("c", "C.", {}, [] { return 1.0; });
  const auto families = metrics.collect();
  REQUIRE(families.size() == 2);
  CHECK(families[0].name == "a_total");
  CHECK(families[1].name == "b_total");
  CHECK(families[0].samples.at(0).label.empty());
}

TEST_CASE("a counter that was never declared counts nothing") {
  const Counter counter;
  counter.add(7, 3);
  counter.add_shared();
  CHECK(counter.total() == 0);
}

TEST_CASE("a histogram counts in whole parts of what it shows") {
  Metrics metrics(1);
  const auto took = metrics.histogram("took_seconds", "Time.", {250, 1'000'000}, 1'000'000'000);
  took.observe(0, 250);
  took.observe(0, 500'000);
  const auto families = metrics.collect();
  const auto* family = find(families, "took_seconds");
  REQUIRE(family);
  REQUIRE(family->samples.size() == 5);
  CHECK(family->samples[0].label_value == "2.5e-07");
  CHECK(family->samples[0].number == 1);
  CHECK(family->samples[1].label_value == "0.001");
  CHECK(family->samples[1].number == 2);
  CHECK(family->samples[3].number == Approx(0.00050025));
  CHECK_THROWS_AS(metrics.histogram("took_seconds", "Time.", {250, 1'000'000}), ConfigError);
}
