#include "cli/config_commands.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "cli/command.hpp"
#include "config/format.hpp"
#include "modules/module_file.hpp"
#include "modules/module_host.hpp"
#include "runtime/server.hpp"
#include "sipward/build_id.hpp"
#include "sipward/config/sipfile.hpp"

namespace sipward::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxInput = 4U << 20;

int fail(std::string_view problem, int status = kFailed) {
  std::cerr << "sipward: " << problem << '\n';
  return status;
}

bool read_all(std::istream& in, std::string& text) {
  char buffer[16384];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxInput) return false;
  }
  return in.eof();
}

// Whole or not at all: a server that reloads meanwhile never reads half a file.
std::string replace_file(const fs::path& path, std::string_view text) {
  std::error_code error;
  const auto target = fs::canonical(path, error);  // a link stays a link
  if (error) return error.message();
  auto name = target.string() + ".XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return std::generic_category().message(errno);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(::fdopen(fd, "w"), std::fclose);
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
                       std::fflush(file.get()) == 0 && ::fsync(fd) == 0;
  if (!written) error = {errno, std::generic_category()};
  if (!error) fs::permissions(name, fs::status(target).permissions(), error);
  if (!error) fs::rename(name, target, error);
  if (!error) return {};
  std::error_code ignored;
  fs::remove(name, ignored);
  return error.message();
}

}  // namespace

const std::string_view kFormatHelp =
    "sipward fmt [--overwrite | -w] [--diff | -d] [SIPFILE | -]\n\n"
    "Prints a Sipfile in the one form that all share: four spaces a level, one space between words, "
    "comments\n"
    "kept. It never changes what the file says. '-' reads standard input. --overwrite writes the file "
    "itself.\n"
    "--diff shows the lines that differ, and the exit status then says whether any does.\n\n"
    "Example:\n  sipward fmt --overwrite /etc/sipward/Sipfile\n";

std::vector<Flag> format_flags() {
  return {{"config", true}, {"overwrite", false}, {"w", false}, {"diff", false}};
}

int format_command(const Arguments& arguments) {
  const bool overwrite = arguments.has("overwrite") || arguments.has("w");
  const bool from_stdin = arguments.words.size() == 1 && arguments.words.front() == "-";
  if (overwrite && arguments.has("diff")) return fail("give --overwrite or --diff, not both", kUsage);
  if (overwrite && from_stdin) return fail("standard input cannot be overwritten", kUsage);
  std::string text;
  fs::path path = "standard input";
  if (from_stdin) {
    if (!read_all(std::cin, text)) return fail("standard input is larger than 4MiB");
  } else {
    std::string problem;
    const auto chosen = choose_sipfile(arguments, problem);
    if (!chosen) return fail(problem, kUsage);
    path = *chosen;
    if (path.extension() == ".json") return fail("fmt is for Sipfiles, not for JSON", kUsage);
    std::error_code error;
    if (!fs::is_regular_file(path, error))
      return fail("cannot read " + config::quote(path.string()) + ": " +
                  (error ? error.message() : "it is no file"));
    std::ifstream file(path, std::ios::binary);
    if (!file || !read_all(file, text))
      return fail("cannot read " + config::quote(path.string()) + ", or it is larger than 4MiB");
  }
  config::Errors errors;
  const auto formatted = config::format(path.string(), text, errors);
  if (!errors.ok()) {
    std::cerr << errors.to_string();
    return kFailed;
  }
  if (arguments.has("diff")) {
    if (formatted != text) std::cout << line_difference(text, formatted);
    return formatted == text ? kFine : kFailed;
  }
  if (!overwrite) {
    std::cout << formatted;
    return kFine;
  }
  if (formatted == text) return kFine;
  if (const auto problem = replace_file(path, formatted); !problem.empty())
    return fail("cannot write " + config::quote(path.string()) + ": " + problem);
  return kFine;
}

const std::string_view kEnvironHelp =
    "sipward environ\n\n"
    "Prints what a run of this program would find: its version, the folders of modules and of state that it\n"
    "would use when the Sipfile names none, the Sipfile that it would take, and its environment variables\n"
    "(secrets among them).\n\n"
    "Example:\n  sipward environ | grep ^sipward\n";

int environ_command(const Arguments& arguments) {
  if (!arguments.words.empty()) return fail("environ takes no argument", kUsage);
  const auto environment = config::process_environment();
  std::error_code ignored;
  const auto executable = fs::read_symlink("/proc/self/exe", ignored);
  std::string problem;
  const auto sipfile = choose_sipfile(arguments, problem);
  std::string folders;
  for (const auto& folder : default_module_dirs(executable))
    folders += (folders.empty() ? "" : ":") + folder.string();
  std::cout << "sipward.version=" SIPWARD_VERSION "\nsipward.build=" SIPWARD_BUILD_ID "\n"
            << "sipward.executable=" << executable.string() << "\nsipward.modules_path=" << folders
            << "\nsipward.state_dir=" << choose_state_dir({}, environment).string()
            << "\nsipward.sipfile=" << (sipfile ? fs::absolute(*sipfile, ignored).string() : std::string())
            << "\nsystem.hostname=" << environment.hostname << '\n';
  std::vector<std::string> variables;
  for (char** each = environ; each && *each; ++each) variables.emplace_back(*each);
  std::sort(variables.begin(), variables.end());
  for (const auto& variable : variables) std::cout << variable << '\n';
  return kFine;
}

}  // namespace sipward::cli
