#include "events.hpp"

#include <utility>

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

void Events::subscribe(const std::shared_ptr<EventSink>& sink) {
  state_.with([&](State& state) { state.sinks.emplace_back(sink); });
}

void Events::publish(std::unique_ptr<Event> event) {
  if (event->at == WallTime{}) event->at = clock_.wall();
  // A sink that ends here must not do so while the lock is held: its end may wait for its own thread.
  std::vector<std::shared_ptr<EventSink>> held;
  state_.with([&](State& state) {
    event->id = ++state.last_id;
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
