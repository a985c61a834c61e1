#pragma once

#include <cstddef>
#include <string_view>

namespace sipward::config {

// The offset of the first octet that is no UTF-8 text (a NUL is none either), or npos.
std::size_t first_bad_octet(std::string_view text);

}  // namespace sipward::config
