#pragma once

#include <cstdint>
#include <string_view>

#include "sipward/net.hpp"

namespace sipward::guardian {

// A user of the PBX as guessing sees it: two spellings are one user when they differ in case, in escapes, in
// a leading + or in leading zeros only.
struct Extension {
  std::uint64_t key = 0;  // keyed hash; 0: no user at all
  std::uint64_t number = 0;
  std::uint8_t digits = 0;  // as written, leading zeros included; 0: not a number of up to 18 digits

  bool is_number() const { return digits != 0; }
};

// Of a URI's user part as written.
Extension extension_of(std::string_view user, const HashKey& key);
// The key of the user that is this number.
std::uint64_t extension_key(std::uint64_t number, const HashKey& key);
// Whether b, one more or less than a, continues a's series: 0099 and 0100 do, 99 and 100 too, 099 and 100 as
// well, but not 99 and 0100.
bool same_series(const Extension& a, const Extension& b);

}  // namespace sipward::guardian
