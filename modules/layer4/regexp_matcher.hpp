#pragma once

#include <re2/re2.h>

#include <memory>
#include <string_view>

#include "sipward/config.hpp"
#include "sipward/handler.hpp"

namespace sipward::layer4 {

struct RegexpOptions {
  std::shared_ptr<const re2::RE2> pattern;  // nullptr when it was none, which is an error then
  std::size_t count = 4;                    // octets to look at
};

RegexpOptions read_regexp(const config::Node& node, config::Errors& errors);

// `regexp`: takes what begins as the pattern says. It judges as many octets as `count` says, or all there are
// when there are no more; a message of a stream by its own beginning.
class RegexpMatcher final : public Matcher {
 public:
  explicit RegexpMatcher(RegexpOptions options) : options_(std::move(options)) {}

  Match match(Packet& packet) const override;
  Match match_start(const StreamStart& start) const override;

 private:
  bool fits(std::string_view octets) const;

  RegexpOptions options_;
};

}  // namespace sipward::layer4
