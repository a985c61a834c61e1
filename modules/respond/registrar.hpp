#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sipward/clock.hpp"

namespace sipward::respond {

// Who is registered where (RFC 3261 10.3). Bounded: the caller asks only for users that are configured, each
// has few contacts, and all together at most kMaxBindings. Safe to call from any thread: a phone's
// registrations may come by several addresses, so they belong to no worker.
class Registrar {
 public:
  static constexpr std::size_t kMaxBindings = 10'000;
  static constexpr std::size_t kMaxUri = 255;  // octets; keeps the answer that lists contacts small

  struct Contact {
    std::string_view uri;             // 1 to kMaxUri octets, a URI that could be read
    std::chrono::seconds expires{0};  // 0: remove it
  };
  struct Binding {
    std::string uri;
    std::chrono::seconds left{0};  // at least 1
  };
  enum class Outcome : std::uint8_t {
    done,
    out_of_order,  // an older CSeq of the same Call-ID: nothing was changed (RFC 3261 10.3 step 7)
    full,          // no room for another contact; nothing was changed
  };
  struct Order {
    std::string_view user;
    std::string_view call_id;
    std::uint32_t cseq = 0;
    std::span<const Contact> contacts;
    bool remove_all = false;  // Contact: *
    std::size_t max_contacts = 1;
  };

  // Changes all or nothing. `bindings` becomes what is bound afterwards. An empty order only asks.
  Outcome update(const Order& order, Time now, std::vector<Binding>& bindings);

 private:
  struct Entry {
    std::string uri;
    std::string call_id;
    std::uint32_t cseq;
    Time expires;
  };

  std::mutex mutex_;
  std::unordered_map<std::string, std::vector<Entry>> users_;
  std::size_t bindings_ = 0;
};

}  // namespace sipward::respond
