#pragma once

#include <string_view>

#include "sipward/http.hpp"

// The parts of access_refusal(), for sites that decide otherwise.
namespace sipward {

// Sent on behalf of a web page of another origin.
bool foreign_page(const HttpRequest& request);

// Whether the authority of a Host header is an address or localhost.
bool names_this_machine(std::string_view authority);

}  // namespace sipward
