#pragma once

#include <vector>

#include "sipward/config.hpp"
#include "sipward/handler.hpp"

namespace sipward::layer4 {

enum class Side : std::uint8_t { remote, local };

// `remote_ip`, `local_ip`: takes what comes from, or was sent to, one of these networks.
class AddressMatcher final : public Matcher {
 public:
  AddressMatcher(Side side, std::vector<Cidr> networks) : side_(side), networks_(std::move(networks)) {}

  Match match(Packet& packet) const override;
  bool admits(const Source& source) const override;
  Match match_start(const StreamStart& start) const override;

 private:
  bool takes(const Endpoint& remote, const Endpoint& local) const;

  Side side_;
  std::vector<Cidr> networks_;
};

// Addresses, networks and the word private_ranges.
std::vector<Cidr> read_networks(const config::Node& node, config::Errors& errors);

}  // namespace sipward::layer4
