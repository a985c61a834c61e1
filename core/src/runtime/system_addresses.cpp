#include "runtime/system_addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace sipward {
namespace {

bool hex(std::string_view text, std::uint32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

void add_gateways_v4(std::vector<Address>& out) {
  std::ifstream file("/proc/net/route");
  std::string line;
  std::getline(file, line);  // headings
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string interface, destination, gateway;
    if (!(words >> interface >> destination >> gateway) || destination != "00000000") continue;
    std::uint32_t value = 0;
    if (hex(gateway, value) && value != 0) out.push_back(Address::v4(ntohl(value)));
  }
}

// destination, its length, source, its length, next hop, …; all in hexadecimal.
void add_gateways_v6(std::vector<Address>& out) {
  std::ifstream file("/proc/net/ipv6_route");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string destination, length, source, source_length, hop;
    if (!(words >> destination >> length >> source >> source_length >> hop) || length != "00" ||
        hop.size() != 32)
      continue;
    std::array<std::uint8_t, 16> octets{};
    bool good = destination.find_first_not_of('0') == std::string::npos;
    for (std::size_t i = 0; i < octets.size() && good; ++i) {
      std::uint32_t value = 0;
      good = hex(std::string_view(hop).substr(2 * i, 2), value);
      octets[i] = static_cast<std::uint8_t>(value);
    }
    const auto address = Address::v6(octets);
    if (good && !address.is_unspecified()) out.push_back(address);
  }
}

}  // namespace

std::vector<Address> system_name_servers() {
  std::vector<Address> result;
  std::ifstream file("/etc/resolv.conf");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string keyword, value;
    if (words >> keyword >> value && keyword == "nameserver")
      if (const auto address = Address::parse(value.substr(0, value.find('%')))) result.push_back(*address);
  }
  return result;
}

std::vector<Address> default_gateways() {
  std::vector<Address> result;
  add_gateways_v4(result);
  add_gateways_v6(result);
  return result;
}

std::vector<Address> interface_addresses() {
  std::vector<Address> result{*Address::parse("127.0.0.1"), *Address::parse("::1")};
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return result;
  for (const auto* i = list; i; i = i->ifa_next) {
    if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)) continue;
    const auto address = Endpoint::from(i->ifa_addr).address;
    if (std::string_view(i->ifa_name) != "lo") result.push_back(address);
  }
  freeifaddrs(list);
  return result;
}

}  // namespace sipward
