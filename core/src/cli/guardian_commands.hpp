#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace sipward::cli {

// bans, ban, unban and why: what people ask a running guardian by the management API.
std::vector<Command> guardian_commands();

// Bans as the API lists them, one line for each under a line of titles. Whatever is not printable is shown as
// a question mark, so that no reason can play with the terminal.
std::string ban_table(const boost::json::array& bans);

}  // namespace sipward::cli
