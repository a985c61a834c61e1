#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sipward/config.hpp"

namespace sipward::tls {

enum class Version : std::uint8_t { tls1_2, tls1_3 };
enum class ClientAuth : std::uint8_t { off, request, require, verify_if_given, require_and_verify };

// What `tls` says as a handler; a certificate goes with the key at the same place of the other list. Both
// lists are empty when the global `tls` is to be used.
struct HandlerOptions {
  std::vector<std::string> certificates;  // PEM files
  std::vector<std::string> keys;
  std::vector<Version> protocols;    // the lowest, then the highest; empty: both
  std::vector<std::string> ciphers;  // OpenSSL's names, of either version; empty: a list of ours
  std::vector<std::string> alpn;
  ClientAuth client_auth = ClientAuth::off;
  std::vector<std::string> trust_pool;  // PEM files of CAs
  std::size_t max_handshakes = 1024;    // at once, in the whole process
  std::size_t max_handshakes_per_source = 32;
};
HandlerOptions read_handler(const config::Node& node, config::Errors& errors);

// What `tls` says as a matcher: any connection that begins with a ClientHello, or only some.
struct MatcherOptions {
  std::vector<std::string> sni;  // names, with * as the leftmost label only
  std::vector<std::string> alpn;
};
MatcherOptions read_matcher(const config::Node& node, config::Errors& errors);

}  // namespace sipward::tls
