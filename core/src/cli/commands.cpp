#include "cli/commands.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <functional>
#include <iostream>

#include "cli/command.hpp"
#include "cli/config_commands.hpp"
#include "cli/control_commands.hpp"
#include "cli/guardian_commands.hpp"
#include "cli/json_text.hpp"
#include "cli/list_modules.hpp"
#include "cli/loading.hpp"
#include "runtime/planned_protection.hpp"
#include "runtime/server.hpp"
#include "sipward/build_id.hpp"

namespace sipward::cli {
namespace {

int run(const Arguments& arguments) {
  Loaded loaded;
  if (const int status = load(arguments, loaded); status != kFine) return status;
  if (!loaded.errors.empty()) std::cerr << loaded.errors.to_string();
  if (!loaded.errors.ok()) return kFailed;
  const SystemClock clock;
  StderrLogger log(clock);
  try {
    const auto pidfile = arguments.flags.find("pidfile");
    Server server({std::filesystem::absolute(loaded.path), loaded.environment, loaded.modules, clock, log,
                   pidfile == arguments.flags.end() ? std::string() : pidfile->second},
                  loaded.sipfile);
    server.run(loaded.sipfile, std::move(loaded.tree));
  } catch (const std::exception& e) {
    std::cerr << "sipward: " << e.what() << '\n';
    return kFailed;
  }
  return kFine;
}

// What is neither wrong nor doubtful, but good to know of a configuration in which somebody bans: in words,
// or as further members of the array of problems.
boost::json::array good_to_know(const Loaded& loaded) {
  boost::json::array result;
  const auto& learned = notes(*loaded.tree->scope);
  if (!learned.somebody_bans || !loaded.errors.ok()) return result;
  boost::json::array never_banned;
  std::string text;
  for (const auto& spared : planned_protection(loaded.sipfile, *loaded.tree)) {
    never_banned.push_back({{"who", spared.who}, {"why", spared.why}});
    text += (text.empty() ? "" : "; ") + spared.who + " " + spared.why;
  }
  result.push_back({{"severity", "info"},
                    {"message", "never banned: " + (text.empty() ? "nobody" : text)},
                    {"never_banned", std::move(never_banned)}});
  for (const auto& [what, hint] : learned.hints)
    result.push_back({{"severity", "hint"}, {"message", "hint: " + hint}});
  return result;
}

int validate(const Arguments& arguments) {
  Loaded loaded;
  if (const int status = load(arguments, loaded); status != kFine) return status;
  auto further = good_to_know(loaded);
  if (arguments.has("json")) {
    auto problems = loaded.errors.to_json();
    for (auto& each : further) problems.push_back(std::move(each));
    std::cout << pretty(problems);
  } else {
    std::cerr << loaded.errors.to_string();
    if (loaded.errors.ok()) std::cout << loaded.path.string() << " is valid\n";
    for (const auto& each : further)
      std::cout << std::string_view(each.as_object().at("message").as_string()) << '\n';
  }
  return loaded.errors.ok() ? kFine : kFailed;
}

int adapt(const Arguments& arguments) {
  Loaded loaded;
  if (const int status = load(arguments, loaded); status != kFine) return status;
  std::cerr << loaded.errors.to_string();
  if (!loaded.errors.ok()) return kFailed;
  std::cout << pretty(config::to_json(loaded.sipfile));
  return kFine;
}

int list_modules(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage_error("list-modules takes no argument");
  ModuleHost modules;
  const auto dir = arguments.flags.find("modules-path");
  load_modules(modules, dir == arguments.flags.end() ? std::vector<std::string>{} : std::vector{dir->second});
  const bool json = arguments.has("json");
  if (arguments.has("options")) {
    const auto options = describe_options(modules);
    if (json)
      std::cout << pretty(options);
    else
      print_options(options, std::cout);
  } else if (json) {
    std::cout << pretty(modules_json(modules));
  } else {
    print_modules(modules, std::cout);
  }
  return kFine;
}

int version(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage_error("version takes no argument");
  std::cout << "sipward " SIPWARD_VERSION "\nbuild " SIPWARD_BUILD_ID "\n";
  return kFine;
}

std::vector<Command> all_commands() {
  std::vector<Command> list = {
      {"run",
       "run a Sipfile in the foreground",
       "sipward run [--config SIPFILE] [--pidfile FILE]\n\n"
       "Starts what the Sipfile says and stays in the foreground. One line with the word 'serving' is logged "
       "when\n"
       "every listener is open. SIGHUP reloads the file; SIGTERM finishes what is open, a second one stops "
       "at once.\n"
       "Without a file: ./Sipfile, then /etc/sipward/Sipfile. --pidfile holds the process's number while it "
       "serves.\n\n"
       "Example:\n  sipward run --config /etc/sipward/Sipfile\n",
       {{"config", true}, {"pidfile", true}},
       run},
      {"validate",
       "check a Sipfile without running it",
       "sipward validate [--json] [SIPFILE]\n\n"
       "Reports every error and warning of the file in one pass. Opens no socket, asks no DNS, writes "
       "nothing; safe\n"
       "on a machine where the server runs. Exit status 0 when it would start.\n"
       "Where something bans, it also names who never is: upstreams, resolvers, the gateway, this "
       "machine.\n\n"
       "Example:\n  sipward validate Sipfile && systemctl reload sipward\n",
       {{"config", true}, {"json", false}},
       validate},
      {"adapt",
       "print a Sipfile as canonical JSON",
       "sipward adapt [SIPFILE]\n\n"
       "What it prints is a configuration too: a file whose name ends in .json is read as such.\n\n"
       "Example:\n  sipward adapt Sipfile > sipward.json && sipward validate sipward.json\n",
       {{"config", true}},
       adapt},
      {"fmt", "bring a Sipfile into the common form", kFormatHelp, format_flags(), format_command},
      {"list-modules",
       "show the modules, and why one is refused",
       "sipward list-modules [--options] [--json] [--modules-path DIR]\n\n"
       "Looks in the folder of modules that belongs to this program, then in DIR, and prints name, version, "
       "path and\n"
       "directives of each module, or why it is refused.\n"
       "--options prints every directive with its options instead: type, range, [default].\n"
       "--json prints the same as JSON.\n\n"
       "Example:\n  sipward list-modules --options\n",
       {{"options", false}, {"json", false}, {"modules-path", true}},
       list_modules},
      {"version",
       "print the version and the build id",
       "sipward version\n\nModules must have been built with the same build id.\n\nExample:\n  sipward "
       "version\n",
       {},
       version},
      {"environ", "print what a run would find around it", kEnvironHelp, {}, environ_command},
  };
  for (auto& command : control_commands()) list.push_back(std::move(command));
  for (auto& command : guardian_commands()) list.push_back(std::move(command));
  return list;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> list = all_commands();
  return list;
}

void print_help(std::ostream& out) {
  out << "Sipward guards a SIP port: it reads every message in both directions, drops abuse, forwards the "
         "rest.\n\n"
         "Usage: sipward COMMAND [ARGUMENTS]\n\nCommands:\n";
  for (const auto& command : commands())
    out << "  " << command.name << std::string(15 - command.name.size(), ' ') << command.summary << '\n';
  out << "\n'sipward COMMAND --help' tells more. Exit status: 0 fine, 1 failed, 2 usage.\n";
}

}  // namespace

int usage_error(std::string_view problem) {
  std::cerr << "sipward: " << problem << "\nTry 'sipward help'.\n";
  return kUsage;
}

int run_command(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    print_help(std::cerr);
    return kUsage;
  }
  const auto& name = arguments.front();
  if (name == "help" || name == "--help" || name == "-h") {
    print_help(std::cout);
    return kFine;
  }
  const auto command = std::find_if(commands().begin(), commands().end(), [&](const Command& c) {
    return c.name == name || (name == "--version" && c.name == "version");
  });
  if (command == commands().end()) return usage_error("unknown command " + config::quote(name));
  auto flags = command->flags;
  flags.push_back({"help", false});
  std::string problem;
  const auto parsed = parse_arguments(std::span(arguments).subspan(1), flags, problem);
  if (!parsed) return usage_error(problem);
  if (parsed->has("help")) {
    std::cout << "Usage: " << command->help;
    return kFine;
  }
  return command->run(*parsed);
}

}  // namespace sipward::cli
