#include "connection_table.hpp"

#include "doubles.hpp"

using namespace sipward;
using namespace sipward::admin;
using namespace std::chrono_literals;
using Stage = ConnectionSlot::Stage;

namespace {

Endpoint client(const char* address) {
  return {*Address::parse(address), 1};
}

struct Fixture {
  std::shared_ptr<ConnectionSlot> admit(const char* address) {
    now += 1s;
    auto slot = table.admit(client(address), ":2020", now);
    if (slot) {
      slot->close = [this] { ++closed; };
    }
    return slot;
  }
  Time now{};
  int closed = 0;
  ConnectionTable table{[] {
    HttpLimits few;
    few.connections = 4;
    few.connections_per_client = 2;
    return few;
  }()};
};

}  // namespace

TEST_CASE("a client over its share loses its own oldest waiting connection") {
  Fixture f;
  const auto first = f.admit("192.0.2.1");
  const auto other = f.admit("192.0.2.2");
  const auto second = f.admit("192.0.2.1");
  CHECK(f.closed == 0);
  const auto third = f.admit("192.0.2.1");
  REQUIRE(third);
  CHECK(first->closing);
  CHECK_FALSE(other->closing);
  CHECK_FALSE(second->closing);
}

TEST_CASE("a full table closes a connection between requests before one in a request") {
  Fixture f;
  const auto reading = f.admit("192.0.2.1");
  reading->stage = Stage::reading;
  const auto waiting = f.admit("192.0.2.2");
  const auto answering = f.admit("192.0.2.3");
  answering->stage = Stage::answering;
  const auto fourth = f.admit("192.0.2.4");
  fourth->stage = Stage::answering;
  REQUIRE(f.admit("192.0.2.5"));
  CHECK(waiting->closing);
  CHECK_FALSE(reading->closing);
}

TEST_CASE("when every connection is being answered a new one is refused") {
  Fixture f;
  for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) {
    f.admit(address)->stage = Stage::answering;
  }
  CHECK_FALSE(f.admit("192.0.2.5"));
  CHECK(f.closed == 0);
}

TEST_CASE("an IPv6 network of 64 bits is one client") {
  Fixture f;
  const auto first = f.admit("2001:db8::1");
  f.admit("2001:db8::2");
  f.admit("2001:db8::3");
  CHECK(first->closing);
}

TEST_CASE("an ended connection leaves its place") {
  Fixture f;
  auto slot = f.admit("192.0.2.1");
  f.table.release(slot);
  CHECK(f.table.size() == 0);
}
