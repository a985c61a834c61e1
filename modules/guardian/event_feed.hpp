#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events.hpp"
#include "guarded.hpp"
#include "sipward/http.hpp"

namespace sipward::guardian {

// The events of one instance for whoever listens by HTTP: server-sent events (`id`, `event`, `data` as JSON).
// Keeps the last ones, so that a listener who was cut off hears what he missed; each listener has a bounded
// queue, and is told how many events did not fit. Safe to call from any thread.
class EventFeed final : public EventSink {
 public:
  static constexpr std::size_t kListeners = 16;
  static constexpr std::size_t kKept = 256;   // events for those who come back
  static constexpr std::size_t kQueue = 256;  // events that one listener has not taken yet

  EventFeed(std::string guardian, const Events& events) : guardian_(std::move(guardian)), events_(events) {}

  void take(const EventPtr& event) noexcept override;
  // A new listener. `last_id` is the id of the last event that he got, or empty: then he hears what comes
  // from now on. nullptr when kListeners listen.
  std::shared_ptr<HttpStream> listen(std::string_view last_id);
  std::size_t listeners() const;

 private:
  class Listener;
  struct State {
    std::deque<EventPtr> kept;
    std::vector<std::weak_ptr<Listener>> listeners;
  };
  void give(const EventPtr& event);

  const std::string guardian_;
  const Events& events_;
  mutable Guarded<State> state_;
};

}  // namespace sipward::guardian
