#include "events.hpp"

#include <utility>

#include "sipward/config/scalars.hpp"

namespace sipward::guardian {

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::ban:
      return "ban";
    case EventKind::unban:
      return "unban";
    case EventKind::attack:
      return "attack";
    case EventKind::enumeration:
      break;
  }
  return "enumeration";
}

Events::Events(const Clock& clock)
    : clock_(clock),
      run_(std::to_string(
               std::chrono::duration_cast<std::chrono::milliseconds>(clock.wall().time_since_epoch())
                   .count()) +
           '-') {}

std::optional<std::uint64_t> Events::id_of(std::string_view global_id) const {
  if (!global_id.starts_with(run_)) return std::nullopt;
  const auto id = config::parse_number(global_id.substr(run_.size()));
  if (!id || *id < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*id);
}

void Events::subscribe(const std::shared_ptr<EventSink>& sink) {
  state_.with([&](State& state) { state.sinks.emplace_back(sink); });
}

void Events::publish(std::unique_ptr<Event> event) {
  if (event->at == WallTime{}) event->at = clock_.wall();
  // A sink that ends here must not do so while the lock is held: its end may wait for its own thread.
  std::vector<std::shared_ptr<EventSink>> held;
  state_.with([&](State& state) {
    event->id = ++state.last_id;
    event->global_id = run_ + std::to_string(event->id);
    const EventPtr published = std::move(event);
    std::erase_if(state.sinks, [&](const auto& weak) {
      auto sink = weak.lock();
      if (!sink) return true;
      sink->take(published);
      held.push_back(std::move(sink));
      return false;
    });
  });
}

std::unique_ptr<Event> event_of(EventKind kind, const BanPtr& ban, std::string_view source) {
  auto event = std::make_unique<Event>();
  event->kind = kind;
  event->prefix = ban->prefix;
  event->port = ban->port;
  event->reason = ban->reason;
  event->source = source;
  event->ban = ban;
  event->expires_at = ban->expires_at;
  return event;
}

}  // namespace sipward::guardian
