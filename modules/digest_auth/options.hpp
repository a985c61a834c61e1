#pragma once

#include <bitset>
#include <chrono>
#include <string>
#include <vector>

#include "algorithm.hpp"
#include "sipward/config.hpp"
#include "sipward/sip/header.hpp"

namespace sipward::digest_auth {

struct Options {
  std::string realm;
  std::string users;                  // a file
  std::vector<Algorithm> algorithms;  // in order of preference; empty: those that the users have
  bool auth_int = false;              // offered besides auth
  std::chrono::milliseconds nonce_lifetime{std::chrono::minutes(5)};
  std::string key;  // of the nonces' seal; empty: made when the process starts
  bool enforce_auth_aor_match = false;
  std::bitset<sip::kMethods> methods;  // to be authenticated; none: all that can be
  config::Position position;

  bool asks(sip::Method method) const {
    return methods.none() || methods.test(static_cast<std::size_t>(method));
  }
};

Options read_options(const config::Node& node, config::Errors& errors);

}  // namespace sipward::digest_auth
