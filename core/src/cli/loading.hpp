#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "modules/module_host.hpp"
#include "routing/builder.hpp"
#include "sipward/config.hpp"

namespace sipward::cli {

// A Sipfile with the modules that it wants, read and judged; nothing has been started.
struct Loaded {
  config::Environment environment = config::process_environment();
  std::filesystem::path path;
  config::Errors errors;
  config::Sipfile sipfile;
  ModuleHost modules;
  std::shared_ptr<RouteTree> tree;
};

// The modules beside the program, and of further folders.
void load_modules(ModuleHost& modules, const std::vector<std::string>& further);

// The Sipfile that the arguments mean. Exit status: kFine, also when loaded.errors holds some, or why it must
// end.
int load(const Arguments& arguments, Loaded& loaded);

}  // namespace sipward::cli
