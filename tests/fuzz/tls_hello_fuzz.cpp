#include "client_hello.hpp"

#include <cstdint>

#include "check.hpp"

using sipward::fuzz::require;
using sipward::tls::ClientHello;

// What is read of a ClientHello is the same whether it came whole or with more behind it, and is never taken
// back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  ClientHello whole, part;
  const auto how = ClientHello::read(octets, whole);
  require(whole.server_name.size() <= 253 && whole.alpn.size() <= 32);
  require(how == ClientHello::Read::whole || (whole.server_name.empty() && whole.alpn.empty()));
  const auto before = ClientHello::read(octets.substr(0, size - size / 4), part);
  if (before != ClientHello::Read::need_more)
    require(how == before && part.server_name == whole.server_name && part.alpn == whole.alpn);
  return 0;
}
