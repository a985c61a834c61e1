#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/config/errors.hpp"
#include "sipward/config/node.hpp"

namespace sipward::config {

// A JSON document that knows where each of its values stands, and tells a key that is given twice. Text is
// kept as text: what a number means is for whoever reads the option.
struct JsonValue {
  enum class Kind : std::uint8_t { null, flag, number, string, array, object };
  Kind kind = Kind::null;
  std::string text;              // of a string, a number, true or false
  std::vector<JsonValue> items;  // of an array, or the members of an object in their order
  Position position;
  std::string key;  // of a member of an object
  Position key_position;

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_scalar() const { return kind == Kind::flag || kind == Kind::number || kind == Kind::string; }
  const JsonValue* find(std::string_view name) const;
};

inline constexpr std::size_t kMaxJsonSize = 4U << 20;
inline constexpr std::size_t kMaxJsonValues = 100'000;
inline constexpr unsigned kMaxJsonDepth = 64;

// RFC 8259, strictly. Ends at the first syntax error with one message and nullopt.
std::optional<JsonValue> parse_json(const std::shared_ptr<const Source>& source, Errors& errors);

std::string_view to_string(JsonValue::Kind kind);  // as a message names it: "an array"

}  // namespace sipward::config
