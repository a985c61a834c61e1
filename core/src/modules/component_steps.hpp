#pragma once

#include "sipward/build_context.hpp"
#include "sipward/config.hpp"
#include "sipward/handler.hpp"

// The steps of a component that a module made. Whatever it throws, against the rules, becomes an error of the
// configuration: a stranger's mistake refuses a configuration and does not end the server. Control thread.
namespace sipward {

// What it throws is reported at the directive that it was made for.
void validate_component(const Component& component, const config::Node& node, config::Errors& errors);
// Throws config::ConfigError or another std::exception, nothing else.
void provision_component(Component& component, BuildContext& context);

}  // namespace sipward
