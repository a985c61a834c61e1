#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sipward/config/errors.hpp"
#include "sipward/config/node.hpp"

namespace sipward::config {

struct Token {
  enum class Kind : std::uint8_t { word, open, close, line_end, end };
  Kind kind = Kind::end;
  std::string text;
  Position position;
  bool quoted = false;
};

// Splits a text into tokens; the last one is always `end`. Problems go to errors, and lexing goes on behind
// them. Nothing is expanded here, so no value can ever become a brace, a line or a second token.
std::vector<Token> lex(const std::shared_ptr<const Source>& source, Errors& errors);

}  // namespace sipward::config
