#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/dns_message.hpp"
#include "sipward/net.hpp"

namespace sipward {

enum class Lookup : std::uint8_t { v4, v6, service };

struct LookupResult {
  enum class What : std::uint8_t {
    found,
    nothing,  // there is no such name, or nothing of that kind
    failed,   // nobody could say
  };
  What what = What::failed;
  std::vector<Address> addresses;  // of v4 and v6
  std::vector<SrvRecord> records;  // of service
  std::chrono::seconds ttl{};      // how long it holds; 0 from /etc/hosts
  std::string why;                 // when nothing was found
};

// Asks one question about a name. Safe to call from any thread.
class DnsClient {
 public:
  using Done = std::function<void(LookupResult)>;
  virtual ~DnsClient() = default;
  // `done` is called once, on a thread of the client; not at all when the client ends before.
  virtual void ask(Lookup kind, std::string name, Done done) = 0;
};

// Looks in /etc/hosts (not for services) and asks name servers, on a thread of its own. A question takes at
// most kPatience; so many run at once, and others wait.
class CaresClient final : public DnsClient {
 public:
  static constexpr std::chrono::seconds kPatience{20};
  static constexpr std::size_t kAtOnce = 32;
  static constexpr std::size_t kMaxServers = 8;

  CaresClient();
  ~CaresClient() override;
  CaresClient(const CaresClient&) = delete;
  CaresClient& operator=(const CaresClient&) = delete;

  // From now on these are asked; none: those of /etc/resolv.conf, which is read for each question.
  void use(std::vector<Endpoint> servers);
  void ask(Lookup kind, std::string name, Done done) override;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace sipward
