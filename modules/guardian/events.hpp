#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ban.hpp"
#include "guarded.hpp"

namespace sipward::guardian {

enum class EventKind : std::uint8_t { ban, unban, attack, enumeration };
std::string_view to_string(EventKind kind);

// Something that people, a database or another program may want to know. Immutable once published.
struct Event {
  std::uint64_t id = 0;   // ascending, of one instance; set by publish()
  std::string global_id;  // the same for other programs: no other run of the process gives it again
  EventKind kind = EventKind::ban;
  WallTime at{};  // set by publish() when it is not given
  Cidr prefix;    // whom it is about
  Port port = 0;  // of scope flow
  std::string reason;
  std::string source;   // who decided: "guardian", "admin", "feed NAME"; of an unban also "expiry", "limit",
                        // "whitelist", "protected"
  std::string details;  // a sentence for people; without secrets
  bool shadow = false;  // only "would have"
  BanPtr ban;           // of ban and unban; else null
  WallTime expires_at{};  // of ban and attack; the epoch: never said
};
using EventPtr = std::shared_ptr<const Event>;

// Takes events to where they are kept, sent or shown. Called on whatever thread decided, workers included, so
// it must not block: it puts the event into a bounded queue of its own and counts what does not fit.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void take(const EventPtr& event) noexcept = 0;
};

// Hands each event to every sink, in the order of publishing. Safe to call from any thread; a sink may not
// publish, subscribe or end inside take().
class Events {
 public:
  explicit Events(const Clock& clock);

  // The sink gets every event from now on, until it ends.
  void subscribe(const std::shared_ptr<EventSink>& sink);
  void publish(std::unique_ptr<Event> event);
  // The id behind a global id of this run; nullopt for that of another, or none.
  std::optional<std::uint64_t> id_of(std::string_view global_id) const;

 private:
  struct State {
    std::uint64_t last_id = 0;
    std::vector<std::weak_ptr<EventSink>> sinks;
  };
  const Clock& clock_;
  const std::string run_;  // begins every global id
  Guarded<State> state_;
};

// An event about a ban: its target, reason and times are the ban's.
std::unique_ptr<Event> event_of(EventKind kind, const BanPtr& ban, std::string_view source);

}  // namespace sipward::guardian
