#pragma once

#include <boost/json/fwd.hpp>
#include <ostream>

#include "modules/module_host.hpp"

namespace sipward::cli {

// One paragraph a module: name, version, path, what it offers, or why it was refused.
void print_modules(const ModuleHost& modules, std::ostream& out);
// The same: [{name, version, path, handlers, matchers, http, services, refused?}]. Of a refused module or
// folder only what could be told.
boost::json::array modules_json(const ModuleHost& modules);

// Every directive with its options, types, ranges and defaults, as the readers of the options themselves
// tell: [{kind, name, module, options: [{name, type, detail?, default?, repeatable?, active?, options?}]}].
boost::json::array describe_options(const ModuleHost& modules);
// The same as a table for people; `options` is what describe_options() gave.
void print_options(const boost::json::array& options, std::ostream& out);

}  // namespace sipward::cli
