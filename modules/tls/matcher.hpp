#pragma once

#include "options.hpp"
#include "sipward/byte_stream.hpp"

namespace sipward::tls {

// Takes streams that begin with a ClientHello, or only those whose names and protocols it names. Once a
// stream was taken every message of it is, so it says yes to messages that come over a stream.
class TlsMatcher final : public Matcher {
 public:
  explicit TlsMatcher(MatcherOptions options);
  Match match(Packet& packet) const override;
  bool admits(const Source& source) const override { return is_stream(source.transport); }
  Match match_start(const StreamStart& start) const override;

 private:
  MatcherOptions options_;
};

}  // namespace sipward::tls
