#pragma once

#include <cstdlib>
#include <string_view>

// What every fuzz target asks of a parser.
namespace sipward::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

// Whether a view that a parser gave lies in the text that it was given.
inline bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace sipward::fuzz
