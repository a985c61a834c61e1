#pragma once

#include <memory>

#include "modules/module_host.hpp"
#include "routing/route_tree.hpp"
#include "sipward/config.hpp"

namespace sipward {

// Makes the tree of a Sipfile: create() and validate() of everything in it, no side effect. What is wrong
// goes to `errors`; run the tree only when errors.ok(). Control thread.
std::shared_ptr<RouteTree> build_tree(const config::Sipfile& sipfile, const ModuleHost& modules,
                                      config::Errors& errors);

// Provisions everything in the tree, in source order, servers before sites. Throws config::ConfigError. The
// context must be made with the tree's scope and endpoints.
void provision_tree(RouteTree& tree, const ModuleHost& modules, BuildContext& context);

}  // namespace sipward
