#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sipward/net.hpp"

namespace sipward::layer4 {

// The header that a balancer puts in front of a connection to say whose it is: the PROXY protocol, versions 1
// (text) and 2 (binary), as HAProxy describes it.
struct ProxyHeader {
  static constexpr std::size_t kMostText = 107;          // with its line end
  static constexpr std::size_t kMostBinary = 16 + 4096;  // what we read of one; the format allows 64 KiB

  enum class State : std::uint8_t { need_more, complete, broken };
  State state = State::need_more;
  // need_more: how many octets surely belong to it yet, so that none behind it is read.
  std::size_t needs = 0;
  // complete: nothing for a connection of the balancer's own (LOCAL, UNKNOWN).
  std::optional<Endpoint> remote, local;
};

// Reads what is there of a header.
ProxyHeader read_proxy_header(std::string_view octets);

}  // namespace sipward::layer4
