#include <algorithm>
#include <charconv>

#include "config/expand.hpp"

namespace sipward::config {
namespace {

constexpr std::string_view kArgs = "{args[";

std::optional<std::size_t> index_of(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_variable_name(std::string_view name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos &&
         (name.front() < '0' || name.front() > '9');
}

// The offset of the '}' that belongs to the '{' at the front, or npos.
std::size_t closing(std::string_view text) {
  std::size_t level = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++level;
    if (text[i] == '}' && --level == 0) return i;
  }
  return std::string_view::npos;
}

}  // namespace

bool Expander::spend(std::size_t octets, const Position& position) {
  if (spent_ > kMaxOctets) return false;
  if (octets > kMaxOctets - spent_) {
    errors_.add(position, "the imports expand to more than " + format_size(kMaxOctets));
    spent_ = kMaxOctets + 1;
    return false;
  }
  spent_ += octets;
  return true;
}

void Expander::word(const Arg& raw, const Scope& scope, std::vector<Arg>& out) {
  Position position = raw.position;
  position.via = scope.via;
  if (slice(raw, scope, position, out)) return;
  Expanded expanded;
  replace(raw.text, scope, position, 0, expanded);
  if (!spend(expanded.text.size() + kArgCost, position)) return;
  Arg arg{{}, position, raw.quoted};
  std::move(expanded).into(arg);
  out.push_back(std::move(arg));
}

// {args[:]}, {args[1:]}, {args[:2]}: the only thing that makes several words of one, and only as a whole
// word.
bool Expander::slice(const Arg& raw, const Scope& scope, const Position& position, std::vector<Arg>& out) {
  const std::string_view text = raw.text;
  if (raw.quoted || !scope.args || !text.starts_with(kArgs) || !text.ends_with("]}")) return false;
  const auto inside = text.substr(kArgs.size(), text.size() - kArgs.size() - 2);
  const auto colon = inside.find(':');
  if (colon == std::string_view::npos || inside.find('{') != std::string_view::npos) return false;
  const auto from = colon == 0 ? std::optional<std::size_t>(0) : index_of(inside.substr(0, colon));
  const auto to =
      colon + 1 == inside.size() ? std::optional(scope.args->size()) : index_of(inside.substr(colon + 1));
  if (!from || !to || *from > *to || *to > scope.args->size()) {
    errors_.add(position, quote(text) + " is out of range; the import has " +
                              std::to_string(scope.args->size()) + " arguments");
    return true;
  }
  for (std::size_t i = *from; i < *to; ++i) {
    const auto& arg = (*scope.args)[i];
    if (!spend(arg.text.size() + kArgCost, position)) return true;
    out.push_back(arg);
    out.back().position = position;
  }
  return true;
}

void Expander::replace(std::string_view text, const Scope& scope, const Position& position, unsigned depth,
                       Expanded& out) {
  while (!text.empty() && spent_ <= kMaxOctets) {
    const auto brace = std::min(text.find('{'), text.size());
    out.literal(text.substr(0, brace));
    text.remove_prefix(brace);
    if (text.empty()) return;
    const auto before = out.text.size();
    const bool is_variable = text.starts_with("{$");
    if (!is_variable && !text.starts_with(kArgs)) {
      placeholders_.take(text, position, out);
    } else {
      const auto close = closing(text);
      if (close == std::string_view::npos) {
        errors_.add(
            position,
            quote(text) + " lacks its '}'; a value with white space needs quotes around the whole word");
        return;
      }
      const auto inside =
          text.substr(is_variable ? 2 : kArgs.size(), close - (is_variable ? 2 : kArgs.size()));
      if (is_variable) {
        variable(inside, scope, position, depth, out);
      } else {
        argument(inside, scope, position, out);
      }
      text.remove_prefix(close + 1);
    }
    // Counted here too: a word may hold the same long argument many times.
    if (out.text.size() > before && !spend(out.text.size() - before, position)) return;
  }
}

void Expander::variable(std::string_view inside, const Scope& scope, const Position& position, unsigned depth,
                        Expanded& out) {
  constexpr unsigned kMaxNested = 8;
  const auto colon = std::min(inside.find(':'), inside.size());
  const std::string name(inside.substr(0, colon));
  if (!is_variable_name(name)) {
    errors_.add(position, quote("{$" + std::string(inside) + "}") + " does not name an environment variable");
    return;
  }
  const auto value = environment_.variable ? environment_.variable(name) : std::nullopt;
  const bool has_default = colon < inside.size();
  const auto fallback = inside.substr(std::min(colon + 1, inside.size()));
  if (has_default && fallback.starts_with('?')) {
    if (value && !value->empty()) return out.value(*value);
    auto message = "environment variable " + name + " is not set";
    if (fallback.size() > 1) message += ": " + std::string(fallback.substr(1));
    return errors_.add(position, std::move(message));
  }
  if (value) return out.value(*value);
  if (has_default && depth < kMaxNested) return replace(fallback, scope, position, depth + 1, out);
  if (has_default) {
    errors_.add(position, "defaults of environment variables are nested too deep");
  } else {
    errors_.warn(position, not_set(name, "{$" + name + ":DEFAULT}"));
  }
}

void Expander::argument(std::string_view inside, const Scope& scope, const Position& position,
                        Expanded& out) {
  const auto written = quote(std::string(kArgs) + std::string(inside) + "}");
  if (!scope.args) {
    errors_.add(position, written + " stands outside of an imported snippet or file");
    return;
  }
  const auto index = inside.ends_with(']') ? index_of(inside.substr(0, inside.size() - 1)) : std::nullopt;
  if (!index && inside.find(':') != std::string_view::npos) {
    errors_.add(position, written + " must be a word of its own, without quotes");
    return;
  }
  if (!index || *index >= scope.args->size()) {
    errors_.add(position, written + " is out of range; the import has " + std::to_string(scope.args->size()) +
                              " arguments");
    return;
  }
  out.argument((*scope.args)[*index]);
}

}  // namespace sipward::config
