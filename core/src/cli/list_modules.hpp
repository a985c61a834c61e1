#pragma once

#include <boost/json/fwd.hpp>
#include <ostream>

#include "modules/module_host.hpp"

namespace sipward::cli {

// One paragraph a module: name, version, path, what it offers, or why it was refused.
void print_modules(const ModuleHost& modules, std::ostream& out);

// Every directive with its options, types, ranges and defaults, as the readers of the options themselves
// tell.
boost::json::array describe_options(const ModuleHost& modules);

}  // namespace sipward::cli
