#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sipward::guardian {

// Comma-separated values (RFC 4180), with LF or CRLF at the end of lines; empty lines are passed over.
// nullopt when quotes don't match.
std::optional<std::vector<std::vector<std::string>>> read_csv(std::string_view text);

// Appends a field, quoted when it must be, and a comma or, after the last one, CRLF.
void append_csv(std::string& out, std::string_view field, bool last);

}  // namespace sipward::guardian
