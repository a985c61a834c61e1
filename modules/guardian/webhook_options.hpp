#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events.hpp"
#include "sipward/config.hpp"

namespace sipward::guardian {

// An http or https URL, taken apart.
struct WebhookUrl {
  bool tls = false;
  std::string host;  // an IPv6 address without its brackets
  Port port = 0;
  std::string target;  // path and query, begins with a slash

  std::string authority() const;  // for the Host header
  // nullopt for anything else, and for what names a user or holds what no request line may.
  static std::optional<WebhookUrl> parse(std::string_view text);
  friend bool operator==(const WebhookUrl&, const WebhookUrl&) = default;
};

// One `webhooks` block: who is told of what.
struct WebhookOptions {
  WebhookUrl url;
  unsigned events = 0;  // bits by EventKind; 0: all
  std::string secret;   // empty: nothing is signed
  std::string ca;       // a PEM file that is trusted instead of the system's authorities
  std::chrono::milliseconds timeout =
      std::chrono::seconds(5);  // for one attempt, from connecting to the answer
  unsigned retries = 5;

  bool wants(EventKind kind) const {
    return events == 0 || (events >> static_cast<unsigned>(kind) & 1U) != 0;
  }
  friend bool operator==(const WebhookOptions&, const WebhookOptions&) = default;
};

// Reads every `webhooks` block of a directive. The same again, as from a snippet that two listeners import,
// is one receiver.
void read_webhooks(config::Reader& reader, std::vector<WebhookOptions>& out);

}  // namespace sipward::guardian
