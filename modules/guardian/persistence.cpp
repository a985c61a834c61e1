#include "persistence.hpp"

#include <filesystem>
#include <string>
#include <string_view>

#include "event_file.hpp"
#include "event_text.hpp"
#include "keeper.hpp"
#include "storage.hpp"

namespace sipward::guardian {
namespace {

enum Lost : std::uint8_t { in_storage, in_ban_log, in_decision_log };

// One name for one file, however it is written.
std::string whole_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

}  // namespace

std::vector<std::shared_ptr<Service>> keep_decisions(const Options& options,
                                                     const std::shared_ptr<Instance>& instance,
                                                     BuildContext& context) {
  std::vector<std::shared_ptr<Service>> kept;
  Counter lost;
  if (options.metrics) {
    static constexpr std::string_view kWhere[] = {"storage", "ban_log", "decision_log"};
    lost = context.metrics.counter("sip_guardian_events_lost_total",
                                   "Events that could not be kept or had no room.", "where", kWhere);
  }
  if (!options.storage.path.empty()) {
    const auto path = whole_path(options.storage.path);
    const auto storage = context.services.find_or_make<Storage>("sip_guardian_storage/" + path, [&] {
      return std::make_shared<Storage>(
          Storage::Setup{.path = path, .clock = context.clock, .log = context.log, .lost = lost});
    });
    if (options.metrics) {
      context.metrics.gauge("sip_guardian_storage_up", "1 while bans can be stored; of each storage.",
                            storage, [weak = std::weak_ptr(storage)] {
                              const auto live = weak.lock();
                              return live && live->is_up() ? 1.0 : 0.0;
                            });
    }
    kept.push_back(context.services.find_or_make<Keeper>(
        "sip_guardian_keeper/" + instance->name() + '\n' + path,
        [&] { return std::make_shared<Keeper>(instance, storage, context.log, lost); }));
  }
  const auto file = [&](const std::string& given, std::string_view kind, EventFile::Setup setup) {
    if (given.empty()) return;
    setup.path = whole_path(given);
    const auto key = std::string("sip_guardian_file/") + instance->name() + '\n' + std::string(kind) + '\n' +
                     std::to_string(setup.roll_size) + ' ' + std::to_string(setup.roll_keep) + '\n' +
                     setup.path;
    kept.push_back(context.services.find_or_make<EventFile>(
        key, [&] { return std::make_shared<EventFile>(instance, setup); }));
  };
  file(options.logs.ban_log, "ban_log",
       {.format = ban_log_line, .log = context.log, .lost = lost, .lost_as = in_ban_log});
  file(options.logs.decision_log, "decision_log",
       {.roll_size = options.logs.roll_size,
        .roll_keep = options.logs.roll_keep,
        .format = decision_json,
        .log = context.log,
        .lost = lost,
        .lost_as = in_decision_log});
  return kept;
}

}  // namespace sipward::guardian
