#include "events.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "sipward/testing/fake_clock.hpp"

namespace sipward::guardian {
namespace {

struct Kept final : EventSink {
  void take(const EventPtr& event) noexcept override { events.push_back(event); }
  std::vector<EventPtr> events;
};

std::unique_ptr<Event> attack(const char* reason) {
  auto event = std::make_unique<Event>();
  event->kind = EventKind::attack;
  event->reason = reason;
  return event;
}

TEST_CASE("every sink gets every event, numbered and timed, in order") {
  test::FakeClock clock;
  Events events(clock);
  const auto a = std::make_shared<Kept>();
  const auto b = std::make_shared<Kept>();
  events.subscribe(a);
  events.publish(attack("first"));
  events.subscribe(b);
  events.publish(attack("second"));
  REQUIRE(a->events.size() == 2);
  CHECK(a->events[0]->reason == "first");
  CHECK(a->events[0]->id == 1);
  CHECK(a->events[1]->id == 2);
  CHECK(a->events[1]->at == clock.wall());
  REQUIRE(b->events.size() == 1);
  CHECK(b->events[0] == a->events[1]);
}

TEST_CASE("a sink that ended is not asked again") {
  test::FakeClock clock;
  Events events(clock);
  auto gone = std::make_shared<Kept>();
  events.subscribe(gone);
  gone.reset();
  events.publish(attack("alone"));
}

}  // namespace
}  // namespace sipward::guardian
