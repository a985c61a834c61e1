#include "flags.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>

namespace sipward::bench {
namespace {

template <typename Number>
Number number(std::string_view name, const std::string& text, Number least, Number most) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  // Written so that a NaN is refused too.
  if (error != std::errc{} || rest != end || !(value >= least && value <= most)) {
    throw UsageError(std::string(name) + " is \"" + text + "\"; expected a number from " +
                     std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

}  // namespace

Flags::Flags(std::span<const Flag> known, std::span<char* const> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const auto flag = std::ranges::find(known, name, &Flag::name);
    if (flag == known.end()) throw UsageError("unknown argument " + std::string(argument));
    std::string value;
    if (equals != std::string_view::npos) {
      if (flag->kind == FlagKind::toggle) throw UsageError(std::string(name) + " takes no value");
      value = argument.substr(equals + 1);
    } else if (flag->kind != FlagKind::toggle) {
      if (++i == arguments.size()) throw UsageError(std::string(name) + " needs a value");
      value = arguments[i];
    }
    if (!values_.emplace(name, std::move(value)).second) {
      throw UsageError(std::string(name) + " is given twice");
    }
  }
  for (const Flag& flag : known) {
    if (values_.contains(flag.name)) continue;
    if (flag.kind == FlagKind::required) throw UsageError(std::string(flag.name) + " is missing");
    if (flag.kind == FlagKind::optional) values_.emplace(flag.name, flag.fallback);
  }
}

const std::string& Flags::text(std::string_view name) const {
  return values_.find(name)->second;
}

std::int64_t Flags::integer(std::string_view name, std::int64_t least, std::int64_t most) const {
  return number(name, text(name), least, most);
}

double Flags::real(std::string_view name, double least, double most) const {
  return number(name, text(name), least, most);
}

std::string usage(std::string_view program, std::span<const Flag> known) {
  std::string out = "usage: " + std::string(program) + " FLAGS\n";
  for (const Flag& flag : known) {
    std::string left = "  " + std::string(flag.name) + (flag.kind == FlagKind::toggle ? "" : " VALUE");
    left.resize(std::max<std::size_t>(left.size() + 2, 24), ' ');
    out += left + std::string(flag.help);
    if (flag.kind == FlagKind::optional && !flag.fallback.empty()) {
      out += " [" + std::string(flag.fallback) + "]";
    }
    out += '\n';
  }
  return out;
}

int run_program(std::string_view program, std::span<const Flag> known, std::span<char* const> arguments,
                int (*body)(const Flags&)) {
  const std::string name(program);
  try {
    if (std::ranges::any_of(arguments, [](std::string_view argument) { return argument == "--help"; })) {
      std::fputs(usage(program, known).c_str(), stdout);
      return 0;
    }
    return body(Flags(known, arguments));
  } catch (const UsageError& error) {
    std::fprintf(stderr, "%s: %s\n%s", name.c_str(), error.what(), usage(program, known).c_str());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
    return 1;
  }
}

}  // namespace sipward::bench
