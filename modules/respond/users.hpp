#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sipward::respond {

// The users that the stand-in knows: names, and ranges of extensions. Immutable once configured; safe to call
// from any thread.
class Users {
 public:
  // "alice", "100", or "100-199": a range has as many digits at both ends (at most 9) and does not run
  // backwards. False, and nothing added, for anything else.
  bool add(std::string_view text);
  bool contains(std::string_view user) const;  // with case, escapes decoded (RFC 3261 19.1.4)
  bool empty() const { return names_.empty() && ranges_.empty(); }

 private:
  struct Range {
    std::size_t digits;
    std::uint32_t first, last;
  };
  std::vector<Range> ranges_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace sipward::respond
