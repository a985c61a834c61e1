#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sipward::cli {

// One question to the management API of a server on this machine.
struct ApiRequest {
  std::string method, path;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
struct ApiAnswer {
  unsigned status = 0;
  std::string body;
};

// Asks `address` (HOST:PORT, or :PORT of this machine) and waits for at most a minute and a half. nullopt,
// with `problem` set, when nothing answers there.
std::optional<ApiAnswer> ask_api(const std::string& address, const ApiRequest& request, std::string& problem);

}  // namespace sipward::cli
