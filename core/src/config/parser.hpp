#pragma once

#include <memory>
#include <vector>

#include "sipward/config/errors.hpp"
#include "sipward/config/node.hpp"

namespace sipward::config {

inline constexpr unsigned kMaxDepth = 64;  // blocks within blocks

// `words { children }` as written: nothing is expanded or imported. No words: the block of global options.
struct Statement {
  std::vector<Arg> words;
  bool has_block = false;
  std::vector<Statement> children;
  Position position;
};

std::vector<Statement> parse(const std::shared_ptr<const Source>& source, Errors& errors);

}  // namespace sipward::config
