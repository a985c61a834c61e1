#pragma once

#include <string>

#include "sipward/build_context.hpp"

namespace sipward {

// What the global `tls` says, for handlers that name no certificate; both are empty when it says nothing.
// There when create() is called, and for as long as the configuration.
struct GlobalTls {
  std::string certificate;  // PEM files
  std::string key;
};
inline GlobalTls& global_tls(BuildScope& scope) {
  return scope.get<GlobalTls>("global_tls");
}

}  // namespace sipward
