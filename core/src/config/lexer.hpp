#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sipward/config/errors.hpp"
#include "sipward/config/node.hpp"

namespace sipward::config {

struct Token {
  enum class Kind : std::uint8_t { word, open, close, line_end, comment, end };
  Kind kind = Kind::end;
  std::string text;
  Position position;
  bool quoted = false;
  std::size_t begin = 0;  // where it stands in the text, quotes and all
  std::size_t end = 0;
};

enum class Comments : std::uint8_t { drop, keep };

// Splits a text into tokens; the last one is always `end`. Problems go to errors, and lexing goes on behind
// them. Nothing is expanded here, so no value can ever become a brace, a line or a second token.
std::vector<Token> lex(const std::shared_ptr<const Source>& source, Errors& errors,
                       Comments comments = Comments::drop);

}  // namespace sipward::config
