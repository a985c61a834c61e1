#include "cli/arguments.hpp"

#include <algorithm>

namespace sipward::cli {

std::optional<Arguments> parse_arguments(std::span<const std::string> words, std::span<const Flag> known,
                                         std::string& problem) {
  Arguments result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (!word.starts_with("-") || word == "-") {
      result.words.push_back(word);
      continue;
    }
    const auto dashes = word.starts_with("--") ? 2U : 1U;
    const auto equals = word.find('=');
    const auto name = word.substr(dashes, equals == std::string::npos ? equals : equals - dashes);
    const auto flag = std::find_if(known.begin(), known.end(), [&](const Flag& f) {
      return f.name == name || (dashes == 1 && name.size() == 1 && f.name.front() == name.front());
    });
    if (flag == known.end()) {
      problem = "unknown flag " + word;
      return std::nullopt;
    }
    std::string value;
    if (equals != std::string::npos) {
      if (!flag->takes_value) {
        problem = "--" + std::string(flag->name) + " takes no value";
        return std::nullopt;
      }
      value = word.substr(equals + 1);
    } else if (flag->takes_value) {
      if (++i == words.size()) {
        problem = "--" + std::string(flag->name) + " wants a value";
        return std::nullopt;
      }
      value = words[i];
    }
    result.flags.insert_or_assign(std::string(flag->name), std::move(value));
  }
  return result;
}

std::optional<std::filesystem::path> choose_sipfile(const Arguments& arguments, std::string& problem) {
  const auto flag = arguments.flags.find("config");
  if (arguments.words.size() + (flag == arguments.flags.end() ? 0 : 1) > 1) {
    problem = "give one Sipfile, by --config or as the argument";
    return std::nullopt;
  }
  if (flag != arguments.flags.end()) return flag->second;
  if (!arguments.words.empty()) return arguments.words.front();
  for (const std::filesystem::path candidate : {"Sipfile", "/etc/sipward/Sipfile"}) {
    std::error_code ignored;
    if (std::filesystem::exists(candidate, ignored)) return candidate;
  }
  problem = "no Sipfile given, and there is neither ./Sipfile nor /etc/sipward/Sipfile";
  return std::nullopt;
}

}  // namespace sipward::cli
