#include "runtime/system_addresses.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

namespace sipward {
namespace {

void add_name_servers(std::vector<Address>& out) {
  std::ifstream file("/etc/resolv.conf");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string keyword, value;
    if (words >> keyword >> value && keyword == "nameserver")
      if (const auto address = Address::parse(value)) out.push_back(*address);
  }
}

void add_gateways(std::vector<Address>& out) {
  std::ifstream file("/proc/net/route");
  std::string line;
  std::getline(file, line);  // headings
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string interface, destination, gateway;
    if (!(words >> interface >> destination >> gateway) || destination != "00000000") continue;
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(gateway.data(), gateway.data() + gateway.size(), value, 16);
    if (error == std::errc() && end == gateway.data() + gateway.size() && value != 0)
      out.push_back(Address::v4(ntohl(value)));
  }
}

}  // namespace

std::vector<Address> system_addresses() {
  std::vector<Address> result;
  add_name_servers(result);
  add_gateways(result);
  return result;
}

}  // namespace sipward
