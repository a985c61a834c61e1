#include "event_feed.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "event_json.hpp"

namespace sipward::guardian {
namespace {

constexpr std::size_t kMostAtOnce = 64;

void append_event(std::string& out, std::string_view id, std::string_view kind,
                  const boost::json::object& data) {
  if (!id.empty()) out.append("id: ").append(id) += '\n';
  out.append("event: ").append(kind) += '\n';
  out.append("data: ").append(boost::json::serialize(data)) += "\n\n";  // JSON has no line ends in it
}

}  // namespace

// Filled by whoever publishes, emptied by the HTTP server. Holds nothing but events, so it may outlive all.
class EventFeed::Listener final : public HttpStream {
 public:
  explicit Listener(std::string guardian) : guardian_(std::move(guardian)) {}

  void give(const EventPtr& event) {
    std::function<void()> ready;
    state_.with([&](State& state) {
      if (state.queue.size() >= kQueue) {
        ++state.dropped;
      } else {
        state.queue.push_back(event);
      }
      ready = state.ready;
    });
    if (ready) ready();
  }
  void miss(std::uint64_t events) {
    state_.with([&](State& state) { state.dropped += events; });
  }

  void begin(std::function<void()> ready) override {
    state_.with([&](State& state) { state.ready = std::move(ready); });
  }
  bool take(std::string& out) override {
    std::vector<EventPtr> some;
    std::uint64_t dropped = 0;
    state_.with([&](State& state) {
      // What did not fit came after what is queued, or, at the beginning, before it.
      if (state.queue.empty() || !begun_) dropped = std::exchange(state.dropped, 0);
      while (!state.queue.empty() && some.size() < kMostAtOnce) {
        some.push_back(std::move(state.queue.front()));
        state.queue.pop_front();
      }
    });
    if (!std::exchange(begun_, true)) out += "retry: 3000\n\n";
    if (dropped != 0) append_event(out, {}, "dropped", {{"events", dropped}});
    for (const auto& event : some)
      append_event(out, event->global_id, to_string(event->kind), to_json(*event, guardian_));
    return true;
  }
  std::string_view idle() const override { return ": nothing new\n\n"; }

 private:
  struct State {
    std::deque<EventPtr> queue;
    std::uint64_t dropped = 0;
    std::function<void()> ready;
  };
  const std::string guardian_;
  bool begun_ = false;  // of the thread that takes
  Guarded<State> state_;
};

void EventFeed::take(const EventPtr& event) noexcept {
  try {
    give(event);
  } catch (const std::exception&) {  // no memory: who listens sees a gap in the ids
    return;
  }
}

void EventFeed::give(const EventPtr& event) {
  std::vector<std::shared_ptr<Listener>> live;
  state_.with([&](State& state) {
    if (state.kept.size() >= kKept) state.kept.pop_front();
    state.kept.push_back(event);
    std::erase_if(state.listeners, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : state.listeners) live.push_back(weak.lock());
  });
  for (const auto& listener : live) {
    if (listener) listener->give(event);
  }
}

std::shared_ptr<HttpStream> EventFeed::listen(std::string_view last_id) {
  auto fresh = std::make_shared<Listener>(guardian_);
  const auto known = events_.id_of(last_id);
  const bool added = state_.with([&](State& state) {
    std::erase_if(state.listeners, [](const auto& weak) { return weak.expired(); });
    if (state.listeners.size() >= kListeners) return false;
    state.listeners.push_back(fresh);
    if (last_id.empty()) return true;
    // An id of an earlier run: everything that is kept is new to him.
    const std::uint64_t last = known.value_or(0);
    if (known && !state.kept.empty() && state.kept.front()->id > last + 1) {
      fresh->miss(state.kept.front()->id - last - 1);
    }
    for (const auto& event : state.kept) {
      if (event->id > last) fresh->give(event);
    }
    return true;
  });
  return added ? fresh : nullptr;
}

std::size_t EventFeed::listeners() const {
  return state_.with([](const State& state) {
    return static_cast<std::size_t>(std::count_if(state.listeners.begin(), state.listeners.end(),
                                                  [](const auto& weak) { return !weak.expired(); }));
  });
}

}  // namespace sipward::guardian
