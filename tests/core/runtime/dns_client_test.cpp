#include "runtime/dns_client.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "harness.hpp"

using namespace sipward;
using namespace sipward::test;
using What = LookupResult::What;

namespace {

// Answers every question with `flags`, and with its one A record when asked for such.
class Server {
 public:
  explicit Server(std::uint16_t flags, bool lies = false) : flags_(flags), lies_(lies) {
    thread_ = std::thread([this] { run(); });
  }
  ~Server() {
    Socket waker(SOCK_DGRAM, loopback());
    waker.send_to("x", socket_.local());
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Endpoint address() const { return socket_.local(); }

 private:
  void run() {
    for (;;) {
      Endpoint from;
      auto message = socket_.receive(&from);
      if (message.size() < 17) return;
      const bool host = message[message.size() - 3] == 1 && message[message.size() - 4] == 0;
      message[2] = static_cast<char>(flags_ >> 8);
      message[3] = static_cast<char>(flags_);
      if (host && (flags_ & 0xF) == 0) {
        message[7] = 1;
        message += std::string("\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x2A\x00\x04\xC0\x00\x02\x07", 16);
      }
      if (lies_) {  // somebody guesses the number first
        auto forged = message;
        forged[0] = static_cast<char>(forged[0] ^ 0x55);
        forged.back() = 66;
        socket_.send_to(forged, from);
      }
      socket_.send_to(message, from);
    }
  }

  Socket socket_{SOCK_DGRAM, loopback()};
  std::uint16_t flags_;
  bool lies_;
  std::thread thread_;
};

LookupResult ask(CaresClient& client, Lookup kind, const std::string& name) {
  std::promise<LookupResult> promise;
  auto result = promise.get_future();
  client.ask(kind, name, [&](LookupResult found) { promise.set_value(std::move(found)); });
  return result.get();
}

}  // namespace

TEST_CASE("a host is found with its TTL, also when somebody guesses first") {
  const Server server(0x8180, true);
  CaresClient client;
  client.use({server.address()});
  const auto found = ask(client, Lookup::v4, "trunk.example.com.");
  CHECK(found.what == What::found);
  CHECK(found.addresses == std::vector<Address>{*Address::parse("192.0.2.7")});
  CHECK(found.ttl == std::chrono::seconds(42));
  CHECK(ask(client, Lookup::v6, "trunk.example.com.").what == What::nothing);
}

TEST_CASE("that there is no such name is told apart from nobody knowing") {
  const Server none(0x8183);
  const Server sick(0x8182);
  CaresClient client;
  client.use({none.address()});
  CHECK(ask(client, Lookup::v4, "trunk.example.com.").what == What::nothing);
  CHECK(ask(client, Lookup::service, "_sip._udp.example.com").what == What::nothing);
  client.use({sick.address()});
  CHECK(ask(client, Lookup::v4, "trunk.example.com.").what == What::failed);
  CHECK(ask(client, Lookup::service, "_sip._udp.example.com").what == What::failed);
}

TEST_CASE("names of /etc/hosts need no server") {
  CaresClient client;
  client.use({loopback("127.0.0.1", 9)});
  const auto found = ask(client, Lookup::v4, "localhost");
  CHECK(found.what == What::found);
  CHECK(found.addresses == std::vector<Address>{*Address::parse("127.0.0.1")});
}

TEST_CASE("many questions at once are all answered, and none after the client's end") {
  const Server server(0x8180);
  std::atomic<int> answers = 0;
  Journal journal;
  {
    CaresClient client;
    client.use({server.address()});
    for (int i = 0; i < 200; ++i) {
      client.ask(Lookup::v4, "h" + std::to_string(i) + ".example.com.", [&](const LookupResult& found) {
        answers += found.what == What::found ? 1 : 0;
        journal.note("answer");
      });
    }
    CHECK(journal.wait(200).size() == 200);
    CHECK(answers == 200);
    client.use({loopback("127.0.0.1", 9)});
    client.ask(Lookup::v4, "late.example.com.", [&](const LookupResult&) {});
  }
}
