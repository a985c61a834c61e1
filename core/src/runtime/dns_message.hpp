#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sipward/net.hpp"

namespace sipward {

// One SRV record (RFC 2782).
struct SrvRecord {
  std::string target;  // a host name in lower case, without the last dot
  Port port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  friend auto operator<=>(const SrvRecord&, const SrvRecord&) = default;  // NOLINT(modernize-use-nullptr)
};

struct SrvAnswer {
  std::vector<SrvRecord> records;  // sorted, without doubles
  std::chrono::seconds ttl{};      // the least of all records that led there
};

// The SRV records of a whole DNS message, which a stranger may have written. nullopt when it is cut off or
// broken. Targets that are no host names are left out, and so is the root, which means that there is no such
// service; past kMaxSrvRecords the rest is left out.
inline constexpr std::size_t kMaxSrvRecords = 32;
std::optional<SrvAnswer> parse_srv(std::span<const std::uint8_t> message);

}  // namespace sipward
