#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/sip/message.hpp"

namespace sipward::guardian {

// What gave a scanner away. Names of patterns, not of products: they are logged and shown as reasons.
enum class ScannerPattern : std::uint8_t {
  user_agent,    // User-Agent or Server names a tool
  display_name,  // the From display name does
  call_id,       // the tools' form of Call-ID, branch and offer together
  from_tag,      // a tag that spells, in hex, what the tool wants to remember
  contact,       // a Contact no phone would send
  address,       // From or To of the tools' stock
};
std::string_view to_string(ScannerPattern pattern);

// Recognises scanning tools by their agent and, when that is disguised, by the form of what they send.
// Immutable after construction; safe to call from any thread with messages of its own.
class ScannerPatterns {
 public:
  // The agents kept with the module. sipsak (used by monitoring), a bare "scan" and "Asterisk PBX" are not
  // among them.
  static std::span<const std::string_view> default_agents();

  // `agents` replaces the kept list when it is not empty: parts of a User-Agent, compared without case. The
  // form of the messages is judged whatever the list says.
  explicit ScannerPatterns(std::vector<std::string> agents = {});

  // Requests only; a response is never a scanner's probe. nullopt for everybody else. One look at a few
  // headers, no allocation.
  std::optional<ScannerPattern> matches(sip::Message& message) const;

 private:
  bool names_agent(std::string_view text, std::size_t least) const;

  struct Agent {
    std::string text;    // lower case
    bool whole = false;  // short and common as a part of words: must stand alone
  };
  std::vector<Agent> agents_;
  std::bitset<256> begins_;  // first octets of agents_
};

}  // namespace sipward::guardian
