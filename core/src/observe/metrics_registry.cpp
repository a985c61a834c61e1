#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "sipward/config/errors.hpp"
#include "sipward/metrics.hpp"

namespace sipward {
namespace {

struct GaugeSource {
  std::weak_ptr<const void> owner;
  std::function<double()> read;
};

struct Declared {
  std::string help;
  std::string type;
  std::string label;
  std::vector<std::string> values;
  std::shared_ptr<CounterCells> cells;
  std::shared_ptr<const std::vector<std::uint64_t>> bounds;
  std::uint64_t per_unit = 1;
  std::vector<GaugeSource> gauges;
};

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool valid_name(std::string_view name, bool label) {
  const auto rest = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || (!label && c == ':'); };
  if (name.empty() || !(letter(name.front()) || (!label && name.front() == ':'))) return false;
  return std::all_of(name.begin(), name.end(), rest);
}

bool same_owner(const std::weak_ptr<const void>& a, const std::weak_ptr<const void>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

void add_counter(const Declared& from, MetricFamily& to) {
  for (std::size_t i = 0; i < from.values.size(); ++i) {
    to.samples.push_back({"", from.label, from.values[i], static_cast<double>(from.cells->sum(i))});
  }
}

std::string bound_text(std::uint64_t bound, std::uint64_t per_unit) {
  if (per_unit == 1) return std::to_string(bound);
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(),
                                 static_cast<double>(bound) / static_cast<double>(per_unit));
  return {text.data(), end.ptr};
}

void add_histogram(const Declared& from, MetricFamily& to) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < from.bounds->size(); ++i) {
    below += from.cells->sum(i);
    to.samples.push_back(
        {"_bucket", "le", bound_text((*from.bounds)[i], from.per_unit), static_cast<double>(below)});
  }
  below += from.cells->sum(from.bounds->size());
  to.samples.push_back({"_bucket", "le", "+Inf", static_cast<double>(below)});
  const auto sum = static_cast<double>(from.cells->sum(from.bounds->size() + 1));
  to.samples.push_back({"_sum", "", "", sum / static_cast<double>(from.per_unit)});
  to.samples.push_back({"_count", "", "", static_cast<double>(below)});
}

}  // namespace

struct Metrics::Impl {
  mutable std::mutex mutex;
  std::map<std::string, Declared, std::less<>> families;

  // Under the mutex.
  Declared& declare(std::string_view name, std::string_view help, std::string_view type,
                    std::string_view label, const std::vector<std::string>& values) {
    const auto [at, fresh] = families.try_emplace(std::string(name));
    auto& family = at->second;
    if (fresh) {
      family.help = help;
      family.type = type;
      family.label = label;
      family.values = values;
    } else if (family.type != type || family.label != label || family.values != values) {
      throw config::ConfigError("metric " + std::string(name) +
                                " is declared twice with different types or labels");
    }
    return family;
  }
};

Metrics::Metrics(std::size_t workers) : workers_(workers), impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

namespace {

// None, one, or several joined by commas.
bool valid_labels(std::string_view labels) {
  while (!labels.empty()) {
    const auto comma = labels.find(',');
    if (!valid_name(labels.substr(0, comma), true)) return false;
    if (comma == std::string_view::npos) return true;
    labels.remove_prefix(comma + 1);
    if (labels.empty()) return false;
  }
  return true;
}

void check_name(std::string_view name, std::string_view label) {
  if (!valid_name(name, false) || !valid_labels(label)) {
    throw config::ConfigError("'" + std::string(name) + "' is no name for a metric");
  }
}

}  // namespace

Counter Metrics::counter(std::string_view name, std::string_view help) {
  static constexpr std::string_view kNoLabel[] = {""};
  return counter(name, help, {}, kNoLabel);
}

Counter Metrics::counter(std::string_view name, std::string_view help, std::string_view label,
                         std::span<const std::string_view> values) {
  check_name(name, label);
  if (values.empty()) throw config::ConfigError("metric " + std::string(name) + " needs a label value");
  std::lock_guard lock(impl_->mutex);
  auto& family = impl_->declare(name, help, "counter", label, {values.begin(), values.end()});
  if (!family.cells) family.cells = std::make_shared<CounterCells>(workers_ + 1, values.size());
  Counter counter;
  counter.cells_ = family.cells;
  counter.values_ = values.size();
  return counter;
}

Histogram Metrics::histogram(std::string_view name, std::string_view help, std::vector<std::uint64_t> bounds,
                             std::uint64_t per_unit) {
  check_name(name, {});
  if (per_unit == 0) throw config::ConfigError("metric " + std::string(name) + " has no unit");
  if (!std::is_sorted(bounds.begin(), bounds.end(), std::less_equal<>{})) {
    throw config::ConfigError("the bounds of metric " + std::string(name) + " do not rise");
  }
  std::lock_guard lock(impl_->mutex);
  auto& family = impl_->declare(name, help, "histogram", {}, {});
  if (!family.cells) {
    family.cells = std::make_shared<CounterCells>(workers_ + 1, bounds.size() + 2);
    family.bounds = std::make_shared<const std::vector<std::uint64_t>>(std::move(bounds));
    family.per_unit = per_unit;
  } else if (*family.bounds != bounds || family.per_unit != per_unit) {
    throw config::ConfigError("metric " + std::string(name) + " is declared twice with different bounds");
  }
  Histogram histogram;
  histogram.cells_ = family.cells;
  histogram.bounds_ = family.bounds;
  return histogram;
}

void Metrics::gauge(std::string_view name, std::string_view help, std::weak_ptr<const void> owner,
                    std::function<double()> read) {
  check_name(name, {});
  std::lock_guard lock(impl_->mutex);
  auto& sources = impl_->declare(name, help, "gauge", {}, {}).gauges;
  std::erase_if(sources, [&](const GaugeSource& have) {
    return have.owner.expired() || same_owner(have.owner, owner);
  });
  sources.push_back({std::move(owner), std::move(read)});
}

std::vector<MetricFamily> Metrics::collect() const {
  std::vector<MetricFamily> families;
  std::vector<std::pair<std::size_t, GaugeSource>> gauges;  // asked without the lock: they are others' code
  {
    std::lock_guard lock(impl_->mutex);
    for (const auto& [name, declared] : impl_->families) {
      auto& family = families.emplace_back(MetricFamily{name, declared.help, declared.type, {}});
      if (declared.bounds) {
        add_histogram(declared, family);
      } else if (declared.cells) {
        add_counter(declared, family);
      }
      for (const auto& source : declared.gauges) gauges.emplace_back(families.size() - 1, source);
    }
  }
  for (const auto& [index, source] : gauges) {
    const auto owner = source.owner.lock();
    if (!owner) continue;
    auto& samples = families[index].samples;
    if (samples.empty()) samples.push_back({});
    samples.front().number += source.read();
  }
  std::erase_if(families, [](const MetricFamily& family) { return family.samples.empty(); });
  return families;
}

}  // namespace sipward
