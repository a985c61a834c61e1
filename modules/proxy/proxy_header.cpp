#include "proxy_header.hpp"

#include <cstring>
#include <string>

namespace sipward::proxy {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr char kProxyCommand = 0x21;  // version 2, PROXY
constexpr char kInet = 0x10, kInet6 = 0x20, kStream = 0x01, kDatagram = 0x02;

// ::ffff:a.b.c.d where the other end has no IPv4 address.
std::string as_ipv6(const Address& address) {
  return address.is_v4() ? "::ffff:" + address.to_string() : address.to_string();
}

std::array<char, 2> big_endian(std::uint16_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

}  // namespace

ProxyHeader::ProxyHeader(Version version, const Endpoint& client, const Endpoint& local,
                         Transport transport) {
  if (version == Version::v1)
    write_v1(client, local);
  else
    write_v2(client, local, transport);
}

void ProxyHeader::put(std::string_view octets) {
  std::memcpy(text_.data() + size_, octets.data(), octets.size());
  size_ += octets.size();
}

// 2.1: at most 107 octets with the longest addresses.
void ProxyHeader::write_v1(const Endpoint& client, const Endpoint& local) {
  const bool v4 = client.address.is_v4() && local.address.is_v4();
  put(v4 ? "PROXY TCP4 " : "PROXY TCP6 ");
  put((v4 ? client.address.to_string() : as_ipv6(client.address)) + ' ');
  put((v4 ? local.address.to_string() : as_ipv6(local.address)) + ' ');
  put(std::to_string(client.port) + ' ' + std::to_string(local.port) + "\r\n");
}

// 2.2.
void ProxyHeader::write_v2(const Endpoint& client, const Endpoint& local, Transport transport) {
  const bool v4 = client.address.is_v4() && local.address.is_v4();
  const auto family = static_cast<char>((v4 ? kInet : kInet6) | (is_stream(transport) ? kStream : kDatagram));
  put(kSignature);
  put({&kProxyCommand, 1});
  put({&family, 1});
  const auto length = big_endian(v4 ? 12 : 36);
  put({length.data(), 2});
  for (const auto* address : {&client.address, &local.address}) {
    const auto& octets = address->octets();  // IPv4 stands in the last four
    const auto from = v4 ? std::size_t{12} : 0;
    put({reinterpret_cast<const char*>(octets.data()) + from, octets.size() - from});
  }
  for (const auto port : {client.port, local.port}) {
    const auto octets = big_endian(port);
    put({octets.data(), 2});
  }
}

}  // namespace sipward::proxy
