#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sipward::cli {

// The words after a command, told apart. Flags are written --name, --name=value or --name value.
struct Arguments {
  std::map<std::string, std::string, std::less<>> flags;
  std::vector<std::string> words;

  bool has(std::string_view flag) const { return flags.find(flag) != flags.end(); }
};

struct Flag {
  std::string_view name;  // without the dashes
  bool takes_value = false;
};

// nullopt, with `problem` set, when a flag is unknown, lacks its value or has one that it does not take.
std::optional<Arguments> parse_arguments(std::span<const std::string> words, std::span<const Flag> known,
                                         std::string& problem);

// The Sipfile that a command means: --config, else its one word, else ./Sipfile, else /etc/sipward/Sipfile.
// nullopt, with `problem` set, when both are given, there are more words, or none of the two files exists.
std::optional<std::filesystem::path> choose_sipfile(const Arguments& arguments, std::string& problem);

}  // namespace sipward::cli
