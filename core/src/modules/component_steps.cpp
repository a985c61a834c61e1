#include "modules/component_steps.hpp"

#include <exception>

namespace sipward {

void validate_component(const Component& component, const config::Node& node, config::Errors& errors) {
  std::string why = "threw something that is no exception";
  try {
    return component.validate(errors);
  } catch (const std::exception& e) {
    why = e.what();
  } catch (...) {  // the words above say it
  }
  errors.add(node.position, node.name + ": " + why);
}

void provision_component(Component& component, BuildContext& context) {
  try {
    component.provision(context);
  } catch (const std::exception&) {
    throw;
  } catch (...) {
    throw config::ConfigError("a module threw something that is no exception while it was provisioned");
  }
}

}  // namespace sipward
