#pragma once

#include <span>
#include <string>

#include "options.hpp"
#include "sipward/byte_stream.hpp"

namespace sipward::tls {

// Takes streams that begin with a ClientHello, or only those whose names and protocols it names. Messages are
// judged by what their stream's handshake said.
class TlsMatcher final : public Matcher {
 public:
  explicit TlsMatcher(MatcherOptions options);
  bool needs_sip() const override { return false; }
  Match match(Packet& packet) const override;
  bool admits(const Source& source) const override { return is_stream(source.transport); }
  Match match_start(const StreamStart& start) const override;

 private:
  bool fits_name(const std::string& name) const;
  bool fits_protocols(std::span<const std::string> protocols) const;

  MatcherOptions options_;
};

}  // namespace sipward::tls
