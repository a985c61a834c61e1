#include "cli/loading.hpp"

#include <iostream>

#include "cli/command.hpp"
#include "modules/module_file.hpp"

namespace sipward::cli {

void load_modules(ModuleHost& modules, const std::vector<std::string>& further) {
  std::error_code ignored;
  auto folders = default_module_dirs(std::filesystem::read_symlink("/proc/self/exe", ignored));
  folders.insert(folders.end(), further.begin(), further.end());
  modules.load_folders(folders);
}

int load(const Arguments& arguments, Loaded& loaded) {
  std::string problem;
  const auto path = choose_sipfile(arguments, problem);
  if (!path) return usage_error(problem);
  loaded.path = *path;
  loaded.sipfile = config::load_file(*path, loaded.environment, loaded.errors);
  load_modules(loaded.modules, loaded.sipfile.options.modules_path);
  for (const auto& module : loaded.modules.modules())
    if (!module.refused.empty())
      std::cerr << "warning: module " << (module.name.empty() ? module.path.string() : module.name)
                << " is refused: " << module.refused << '\n';
  loaded.tree = build_tree(loaded.sipfile, loaded.modules, loaded.errors);
  return kFine;
}

}  // namespace sipward::cli
