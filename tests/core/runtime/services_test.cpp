#include "sipward/services.hpp"

#include <catch2/catch.hpp>

#include "sipward/build_context.hpp"

using namespace sipward;

namespace {

struct Counting final : Service {
  int value = 0;
};

}  // namespace

TEST_CASE("a service is found as long as somebody holds it, and made again after that") {
  Services services;
  int made = 0;
  const auto make = [&] {
    ++made;
    return std::make_shared<Counting>();
  };
  auto first = services.find_or_make<Counting>("a/1", make);
  first->value = 7;
  CHECK(services.find_or_make<Counting>("a/1", make)->value == 7);
  CHECK(services.find<Counting>("b/1") == nullptr);
  CHECK(made == 1);
  CHECK(services.all().size() == 1);
  first.reset();
  CHECK(services.find<Counting>("a/1") == nullptr);
  CHECK(services.all().empty());
  CHECK(services.find_or_make<Counting>("a/1", make)->value == 0);
  CHECK(made == 2);
}

TEST_CASE("new services are taken once, and only when they still live") {
  Services services;
  const auto make = [] { return std::make_shared<Counting>(); };
  const auto kept = services.find_or_make<Counting>("a/1", make);
  services.find_or_make<Counting>("b/1", make);
  CHECK(services.take_new() == std::vector<std::shared_ptr<Service>>{kept});
  CHECK(services.take_new().empty());
}

TEST_CASE("addresses are protected as long as the handle lives") {
  ProtectedAddresses guards;
  const auto a = *Address::parse("192.0.2.1"), b = *Address::parse("2001:db8::1");
  auto handle = guards.add("the upstream", {a, b});
  {
    const auto twice = guards.add("an address of this server", {a});
    CHECK(guards.why(a) == "the upstream");
    CHECK(guards.why(*Cidr::parse("2001:db8::/32")) == "the upstream");
    CHECK(guards.why(*Address::parse("192.0.2.2")).empty());
    handle.reset();
    CHECK(guards.why(a) == "an address of this server");
    CHECK(guards.why(b).empty());
  }
  CHECK(guards.why(*Cidr::parse("0.0.0.0/0")).empty());
}
