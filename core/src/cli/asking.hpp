#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"

// What commands that speak to a server share.
namespace sipward::cli {

// The value of a flag; empty when it was not given.
std::string flag(const Arguments& arguments, std::string_view name);

// Where to ask: --address, else what the Sipfile `file` says when it is not empty, else 127.0.0.1:2019.
std::string address_of(const Arguments& arguments, const std::string& file);

// The JSON object in a body; an empty one when there is none.
boost::json::object object_in(const std::string& body);
// A member that is a text; empty when there is none.
std::string text_of(const boost::json::object& object, std::string_view key);

// Says on standard error what went wrong; returns kFailed.
int failed(std::string problem);
// The same for an answer that was no success: what the server says of it.
int refused(unsigned status, const std::string& body);

}  // namespace sipward::cli
