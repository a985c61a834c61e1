#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "harness.hpp"
#include "modules/module_host.hpp"
#include "routing/builder.hpp"
#include "runtime/resolver.hpp"
#include "sipward/testing/sip_text.hpp"

// Every allocation of the process goes through these; those of a thread that is watched are counted, the
// modules' too.
namespace {

thread_local bool watched = false;
std::atomic<std::uint64_t> counted{0};

void* allocate(std::size_t size) {
  if (watched) counted.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void* allocate(std::size_t size, std::align_val_t alignment) {
  if (watched) counted.fetch_add(1, std::memory_order_relaxed);
  const auto a = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(a, (size + a - 1) / a * a)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

using namespace sipward;
using namespace sipward::test;

namespace {

// The shipped modules on one real worker, between a client and a PBX that are sockets of the test.
struct Lab {
  Socket pbx{SOCK_DGRAM, loopback("127.0.0.5")};
  Site site;
  Services services;
  boost::asio::io_context control;
  CaresClient dns;
  NameResolver resolver{control, site.log, dns};
  ProtectedAddresses addresses;
  ModuleHost modules;
  unsigned count = 0;

  explicit Lab(const std::string& guardian, const std::string& source = "own") {
    for (const auto* name : {"guardian", "proxy", "matcher_sip"})
      REQUIRE(modules.load(std::string(SIPWARD_MODULE_DIR) + "/" + name + ".so"));
    config::Errors errors;
    const auto sipfile =
        config::load_text("test",
                          "udp/127.0.0.1:0 {\n@sip sip\nroute @sip {\n" + guardian + "\nproxy udp/" +
                              pbx.local().to_string() + " {\nsource " + source + "\n}\n}\n}\n",
                          {}, errors);
    auto tree = build_tree(sipfile, modules, errors);
    INFO(errors.to_string());
    REQUIRE(errors.ok());
    BuildContext context{services, site.metrics, site.log,        site.clock,   site.pool,
                         resolver, addresses,    tree->endpoints, *tree->scope, "/nonexistent"};
    provision_tree(*tree, modules, context);
    control.run();
    site.serve(std::move(tree));
  }

  SipText next(const char* method) {
    SipText text;
    const auto n = std::to_string(++count);
    text.method = method;
    text.branch = "z9hG4bKb" + n;
    text.call_id = "call-" + n;
    text.from_tag = "f" + n;
    return text;
  }
  // A request that reaches the PBX, and its answer; false when either got lost.
  bool exchange(Socket& client, const SipText& text, int status) {
    client.send(text.request());
    Endpoint from;
    if (pbx.receive(&from).empty()) return false;
    pbx.send_to(text.response(status), from);
    return client.receive().starts_with("SIP/2.0 " + std::to_string(status));
  }
  Socket client(const std::string& address) {
    Socket socket(SOCK_DGRAM, loopback(address));
    socket.connect(site.bound());
    return socket;
  }
  // Calls, and acknowledges with the PBX's tag: proves the client's address and port.
  bool prove(Socket& socket) {
    auto call = next("INVITE");
    if (!exchange(socket, call, 200)) return false;
    call.method = "ACK";
    call.branch += "a";
    call.to_tag = "pbxtag";
    socket.send(call.request());
    return !pbx.receive().empty();
  }

  // Allocations of the worker while `task` runs.
  template <class Task>
  std::uint64_t allocations_of(Task task) {
    site.run([](Worker&) { watched = true; });
    const auto before = counted.load();
    task();
    const auto after = counted.load();
    site.run([](Worker&) { watched = false; });
    return after - before;
  }
};

constexpr int kExchanges = 10'000;
constexpr int kWarmUp = 500;

}  // namespace

TEST_CASE("the count sees what a worker allocates") {
  Lab lab("sip_guardian");
  lab.site.run([](Worker&) { watched = true; });
  const auto before = counted.load();
  lab.site.run([](Worker&) { auto number = std::make_unique<int>(1); });
  CHECK(counted.load() > before);
}

TEST_CASE("after warm-up no request or answer of a proven UDP source costs an allocation") {
  Lab lab(
      "sip_guardian {\nvalidation {\nmode strict\n}\nrate_limit {\nany 1000000/s burst 1000000\nstrangers "
      "1000000/s burst 1000000\n}\n}");
  auto phone = lab.client("127.0.0.1");
  REQUIRE(lab.prove(phone));
  int lost = 0;
  for (int i = 0; i < kWarmUp; ++i) lost += !lab.exchange(phone, lab.next("OPTIONS"), 200);
  const auto allocations = lab.allocations_of([&] {
    for (int i = 0; i < kExchanges; ++i)
      lost += !lab.exchange(phone, lab.next(i % 3 == 0 ? "MESSAGE" : "OPTIONS"), i % 7 == 0 ? 486 : 200);
  });
  CHECK(lost == 0);
  CHECK(allocations == 0);
}

TEST_CASE("after warm-up no request or answer of an unproven UDP source costs an allocation") {
  Lab lab(
      "sip_guardian {\nvalidation {\nmode strict\n}\nrate_limit {\nany 1000000/s burst 1000000\nstrangers "
      "1000000/s burst 1000000\n}\n"
      "geoip_db " SIPWARD_TEST_DIR "/data/geoip/GeoIP2-Country-Test.mmdb\nallowed_countries GB\n}");
  std::vector<Socket> strangers;
  for (int i = 1; i <= 100; ++i) strangers.push_back(lab.client("127.0.1." + std::to_string(i)));
  int lost = 0;
  const auto ask = [&](int exchanges) {
    for (int i = 0; i < exchanges; ++i)
      lost +=
          !lab.exchange(strangers[static_cast<std::size_t>(i) % strangers.size()], lab.next("OPTIONS"), 200);
  };
  ask(kWarmUp);
  CHECK(lab.allocations_of([&] { ask(kExchanges); }) == 0);
  CHECK(lost == 0);
}

TEST_CASE("after warm-up no user that somebody asks for costs an allocation") {
  Lab lab(
      "sip_guardian {\nmax_failures 1000000\nrate_limit {\nany 1000000/s burst 1000000\nstrangers 1000000/s "
      "burst 1000000\n}\n}");
  std::vector<Socket> strangers;
  for (int i = 1; i <= 100; ++i) strangers.push_back(lab.client("127.0.3." + std::to_string(i)));
  static constexpr int kAnswers[] = {404, 401, 403, 200, 407, 484};
  int lost = 0;
  const auto ask = [&](int exchanges) {
    for (int i = 0; i < exchanges; ++i) {
      auto text = lab.next(i % 2 == 0 ? "OPTIONS" : "REGISTER");
      text.uri = "sip:" + std::to_string(100 + 2 * (i / 100 % 4)) + "@example.com";
      text.to = "<" + text.uri + ">";
      lost += !lab.exchange(strangers[static_cast<std::size_t>(i) % strangers.size()], text,
                            kAnswers[i / 100 % std::size(kAnswers)]);
    }
  };
  ask(kWarmUp);
  CHECK(lab.allocations_of([&] { ask(kExchanges); }) == 0);
  CHECK(lost == 0);
}

TEST_CASE("after warm-up no packet that is turned away costs an allocation") {
  Lab lab("sip_guardian {\nvalidation {\nmode strict\n}\n}");
  auto attacker = lab.client("127.0.2.1"), friendly = lab.client("127.0.2.2");
  const auto broken = [&] {
    auto text = lab.next("OPTIONS").request();
    return text.erase(text.find("Call-ID"), text.find("CSeq") - text.find("Call-ID"));
  };
  const auto flood = [&](int packets) {
    for (int i = 0; i < packets; ++i) {
      attacker.send(broken());
      attacker.send("no SIP at all, but long enough to be looked at\r\n\r\n");
      attacker.send("\r\n\r\n");
      if (i % 20 == 0) REQUIRE(lab.exchange(friendly, lab.next("OPTIONS"), 200));  // so that none gets lost
    }
  };
  flood(kWarmUp);
  CHECK(lab.allocations_of([&] { flood(2'000); }) == 0);
}

TEST_CASE("after warm-up no request or answer that a SIP hop edits costs an allocation") {
  Lab lab(
      "sip_guardian {\nrate_limit {\nany 1000000/s burst 1000000\nstrangers 1000000/s burst 1000000\n}\n}",
      "sip");
  auto phone = lab.client("127.0.0.1");
  int lost = 0;
  // As exchange(), by a PBX that copies the Vias it gets.
  const auto ask = [&](int exchanges) {
    for (int i = 0; i < exchanges; ++i) {
      phone.send(lab.next(i % 3 == 0 ? "MESSAGE" : "OPTIONS").request());
      Endpoint from;
      auto octets = lab.pbx.receive(&from);
      octets.replace(0, octets.find("\r\n"), i % 7 == 0 ? "SIP/2.0 486 Busy" : "SIP/2.0 200 OK");
      lab.pbx.send_to(octets, from);
      lost += !phone.receive().starts_with("SIP/2.0 ");
    }
  };
  ask(kWarmUp);
  CHECK(lab.allocations_of([&] { ask(kExchanges); }) == 0);
  CHECK(lost == 0);
}
