#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "enumeration_options.hpp"
#include "failed_auth_options.hpp"
#include "geoip_options.hpp"
#include "log_options.hpp"
#include "sipward/config.hpp"
#include "sipward/module.hpp"
#include "sipward/net.hpp"
#include "sipward/sip/header.hpp"
#include "storage_options.hpp"
#include "validation.hpp"
#include "webhook_options.hpp"

namespace sipward::guardian {

using std::chrono::milliseconds;

enum class EvidencePolicy : std::uint8_t { proven, any };
enum class OnBlock : std::uint8_t { silent, reply };

// Where a rate stands in Options::rates: one for each method, then the one over all of them.
inline constexpr std::size_t kAnyMethod = sip::kMethods;

// The options of one instance, with every default in one place. Filled while a configuration is read,
// immutable once it runs. What is not here is parsed and checked, but its feature is not active yet.
struct Options {
  std::string name = "default";
  unsigned max_failures = 5;
  milliseconds find_time = std::chrono::minutes(10);
  milliseconds ban_time = std::chrono::hours(1);
  unsigned escalation_factor = 1;  // 1: off
  milliseconds escalation_max = std::chrono::hours(24);
  milliseconds soft_block = std::chrono::seconds(60);
  milliseconds soft_block_max = std::chrono::minutes(5);
  bool shadow = false;
  EvidencePolicy evidence = EvidencePolicy::proven;
  unsigned ban_scope_v4 = 32;
  unsigned ban_scope_v6 = 64;

  std::vector<Cidr> whitelist;
  std::vector<std::string> whitelist_names;  // of hosts, and of services (_sip._udp.example.com)

  GeoipOptions geoip;

  EnumerationOptions enumeration;
  FailedAuthOptions failed_auth;

  std::array<std::optional<config::Rate>, sip::kMethods + 1> rates;
  // Requests of all sources together that nothing speaks for.
  config::Rate strangers{200, std::chrono::seconds(1), 400};
  bool rates_shadow = false;

  bool flood = false;
  milliseconds flood_window = std::chrono::seconds(10);
  unsigned flood_requests = 30;
  milliseconds flood_ban_time = std::chrono::hours(1);
  bool flood_shadow = false;

  bool scanner_block = true;
  std::vector<std::string> scanner_agents;  // empty: the list that is kept with the module
  bool scanner_shadow = false;

  bool validation = true;
  validation::Mode validation_mode = validation::Mode::permissive;
  std::uint64_t max_message_size = 65535;
  bool ban_on_null_bytes = true;
  bool ban_on_binary_injection = true;
  std::vector<std::string> disabled_rules;
  bool validation_shadow = false;

  std::vector<WebhookOptions> webhooks;

  bool metrics = true;
  OnBlock on_block = OnBlock::silent;
  int on_block_status = 403;

  StorageOptions storage;
  LogOptions logs;

  // The prefix that a ban of this address covers.
  Cidr ban_prefix(const Address& address) const;
};

// What the directives of one instance in one configuration share: each adds what it gives, so that options
// may be spread over several blocks. An option that holds one value and is given two is an error that shows
// both places. Control thread.
class SharedOptions {
 public:
  Options options;

  // Reads `node`, a sip_guardian directive of this instance. Problems go to `errors`.
  void add(const config::Node& node, config::Errors& errors);
  // Judges options against each other.
  void validate(config::Errors& errors) const;

 private:
  struct Given {
    boost::json::value value;
    config::Position position;
  };
  void check_database(const char* option, const std::string& path, config::Errors& errors) const;
  void compare(const config::Node& node, const config::Record& record, const std::string& path,
               config::Errors& errors);

  std::map<std::string, Given> given_;
  mutable std::map<std::string, std::string> faults_;  // of databases, so that each is read once; empty: none
  config::Position first_;
};

// The instance that a directive names ("default" when it names none), and its share of the scope.
std::string instance_name(const config::Node& node);
std::shared_ptr<SharedOptions> shared_options(BuildScope& scope, const std::string& name);

}  // namespace sipward::guardian
