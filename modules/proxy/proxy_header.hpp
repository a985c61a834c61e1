#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sipward/net.hpp"

namespace sipward::proxy {

// The header of the PROXY protocol (HAProxy, "The PROXY protocol", versions 1 and 2) that tells an upstream
// who its client really is. In front of a stream it stands once, in front of datagrams each time, and there
// only version 2 is known.
class ProxyHeader {
 public:
  enum class Version : std::uint8_t { v1, v2 };

  // From `client` to `local`, where it reached us. Two address families are both written as IPv6. `transport`
  // is that of the client.
  ProxyHeader(Version version, const Endpoint& client, const Endpoint& local, Transport transport);
  std::string_view octets() const { return {text_.data(), size_}; }

 private:
  void write_v1(const Endpoint& client, const Endpoint& local);
  void write_v2(const Endpoint& client, const Endpoint& local, Transport transport);
  void put(std::string_view octets);

  static constexpr std::size_t kMost = 107;  // of version 1; version 2 needs 52 for IPv6
  std::array<char, kMost> text_;
  std::size_t size_ = 0;
};

}  // namespace sipward::proxy
