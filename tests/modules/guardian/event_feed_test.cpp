#include "event_feed.hpp"

#include <catch2/catch.hpp>

#include "sipward/testing/fake_clock.hpp"

namespace sipward::guardian {
namespace {

struct Feeding {
  Feeding() { events.subscribe(feed); }
  void happen(int times = 1) {
    for (int i = 0; i < times; ++i) {
      auto event = std::make_unique<Event>();
      event->kind = EventKind::attack;
      event->reason = "scanner";
      events.publish(std::move(event));
    }
  }
  static std::string taken(HttpStream& stream) {
    std::string all;
    for (std::string some = "x"; !some.empty();) {
      some.clear();
      CHECK(stream.take(some));
      all += some;
    }
    return all;
  }
  static std::size_t count(const std::string& text, std::string_view word) {
    std::size_t found = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  }

  test::FakeClock clock;
  Events events{clock};
  std::shared_ptr<EventFeed> feed = std::make_shared<EventFeed>("default", events);
};

TEST_CASE("a listener hears what happens from then on, and is told when it does") {
  Feeding f;
  f.happen();
  const auto stream = f.feed->listen({});
  int rung = 0;
  stream->begin([&] { ++rung; });
  CHECK(Feeding::taken(*stream) == "retry: 3000\n\n");
  f.happen(2);
  CHECK(rung == 2);
  const auto text = Feeding::taken(*stream);
  CHECK(Feeding::count(text, "event: attack\n") == 2);
  CHECK(text.starts_with("id: 1576800000000-2\n"));
}

TEST_CASE("a slow listener's queue is bounded, and he is told how much he missed") {
  Feeding f;
  const auto stream = f.feed->listen({});
  f.happen(static_cast<int>(EventFeed::kQueue) + 5);
  const auto text = Feeding::taken(*stream);
  CHECK(Feeding::count(text, "event: attack\n") == EventFeed::kQueue);
  CHECK(text.find("event: dropped\ndata: {\"events\":5}\n\n") != std::string::npos);
}

TEST_CASE("whoever comes back gets what he missed, as far as it is kept") {
  Feeding f;
  f.happen(10);
  auto text = Feeding::taken(*f.feed->listen("1576800000000-7"));
  CHECK(Feeding::count(text, "event: attack\n") == 3);
  CHECK(text.find("id: 1576800000000-8\n") != std::string::npos);
  CHECK(Feeding::count(Feeding::taken(*f.feed->listen("1576800000000-10")), "event: ") == 0);
  // Of another run of the server: all of it is new to him.
  CHECK(Feeding::count(Feeding::taken(*f.feed->listen("1576799999999-10")), "event: attack\n") == 10);
  f.happen(static_cast<int>(EventFeed::kKept));
  text = Feeding::taken(*f.feed->listen("1576800000000-7"));
  CHECK(Feeding::count(text, "event: attack\n") == EventFeed::kKept);
  CHECK(text.find("event: dropped\ndata: {\"events\":3}\n\n") != std::string::npos);
}

TEST_CASE("a listener that is gone gives his place back") {
  Feeding f;
  std::vector<std::shared_ptr<HttpStream>> all;
  for (std::size_t i = 0; i < EventFeed::kListeners; ++i) all.push_back(f.feed->listen({}));
  CHECK(f.feed->listen({}) == nullptr);
  all.pop_back();
  CHECK(f.feed->listeners() == EventFeed::kListeners - 1);
  CHECK(f.feed->listen({}) != nullptr);
  f.happen();
}

}  // namespace
}  // namespace sipward::guardian
