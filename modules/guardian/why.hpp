#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ban.hpp"
#include "sipward/clock.hpp"

namespace sipward::guardian {

// All that an instance knows of one address.
struct Why {
  Address address;
  std::string whitelisted;  // the entry that it stands under; empty: on no whitelist
  std::string protected_;   // what it is protected as; empty: it is not
  std::vector<BanPtr> bans;
  std::optional<SoftBlockRecord> soft_block;
  // What is counted at present, without a ban of it yet.
  std::uint32_t failures = 0;  // proven
  std::uint32_t strikes = 0;   // unproven
  std::vector<Signal> signals;
  // The options that say what comes of it.
  std::uint32_t max_failures = 0;
  std::chrono::milliseconds find_time{};
};

// "banned", "soft_blocked", "whitelisted", "protected", "counted" or "unknown".
std::string_view state_of(const Why& why);

// In sentences for people, with a line for each message that led there: who is banned, until when and why.
// Whatever came from the network is made printable. Ends with a line end.
std::string explain(const Why& why, const Clock& clock);

// For programs; `text` is what explain() says.
boost::json::object to_json(const Why& why, const Clock& clock);

}  // namespace sipward::guardian
