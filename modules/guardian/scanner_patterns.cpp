#include "scanner_patterns.hpp"

#include <algorithm>
#include <array>

namespace sipward::guardian {

namespace {

using sip::HeaderId;

constexpr std::array<std::string_view, 11> kAgents = {
    "sipvicious", "friendly-scanner", "sip-scan", "sipcli", "vaxsipuseragent",
    "sundayddr",  "pplsip",           "iwar",     "sivus",  "smap",
    "sipscan"};
constexpr std::size_t kShortAgent = 5;   // up to here a name could be part of another word
constexpr std::size_t kTellingName = 8;  // from here on it cannot be a person's name either

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}

bool is_number(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && std::all_of(text.begin(), text.end(), is_digit);
}

// `part` is in lower case.
bool stands_at(std::string_view text, std::size_t at, std::string_view part, bool whole) {
  if (text.size() - at < part.size()) return false;
  for (std::size_t n = 0; n < part.size(); ++n) {
    if (lower(text[at + n]) != part[n]) return false;
  }
  if (!whole) return true;
  const std::size_t end = at + part.size();
  return (at == 0 || !is_letter(text[at - 1])) && (end == text.size() || !is_letter(text[end]));
}

int hex(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// SIPVicious writes into the tag, as hex, what it wants to find in the answer: text, an octet 1, and a random
// number. By chance a tag of another stack looks so once in billions.
bool is_memo_tag(std::string_view tag) {
  if (tag.size() < 14 || tag.size() % 2 != 0) return false;
  constexpr std::size_t kLeastDigits = 5;
  std::size_t mark = 0;
  for (std::size_t i = 0; i < tag.size(); i += 2) {
    const int high = hex(tag[i]);
    const int low = hex(tag[i + 1]);
    if (high < 0 || low < 0) return false;
    const int octet = high * 16 + low;
    if (mark != 0) {
      if (octet < '0' || octet > '9') return false;
    } else if (octet == 1 && i != 0) {
      mark = i;
    } else if (octet < 0x20 || octet > 0x7E) {
      return false;
    }
  }
  return mark != 0 && (tag.size() - mark) / 2 - 1 >= kLeastDigits;
}

// z9hG4bK- and a random number of 32 bits.
bool is_number_branch(std::string_view branch) {
  constexpr std::string_view kStart = "z9hG4bK-";
  return branch.substr(0, kStart.size()) == kStart && is_number(branch.substr(kStart.size()), 1, 10);
}

// A random number of 32 or 80 bits and nothing else.
bool is_number_call_id(std::string_view call_id) {
  return is_number(call_id, 1, 25);
}

// What the tools never send and phones nearly always do.
bool tells_its_abilities(const sip::Message& m) {
  return m.count(HeaderId::allow) != 0 || m.count(HeaderId::supported) != 0;
}

std::string_view contact_uri(const sip::Message& m) {
  std::string_view value = m.value(HeaderId::contact);
  if (!value.empty() && value.front() == '<') {
    value.remove_prefix(1);
    return value.substr(0, value.find('>'));
  }
  return value.substr(0, value.find(';'));
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// The documentation's own address as a place to be called back at; a phone's Contact has a number for its
// port or none, but never this host.
bool is_stock_contact(std::string_view uri) {
  return uri == "sip:123@1.1.1.1" || starts_with(uri, "sip:None@") || uri == "None";
}

bool is_stock_address(std::string_view uri) {
  return uri == "sip:100@1.1.1.1";
}

}  // namespace

std::string_view to_string(ScannerPattern pattern) {
  switch (pattern) {
    case ScannerPattern::user_agent:
      return "user_agent";
    case ScannerPattern::display_name:
      return "display_name";
    case ScannerPattern::call_id:
      return "call_id";
    case ScannerPattern::from_tag:
      return "from_tag";
    case ScannerPattern::contact:
      return "contact";
    case ScannerPattern::address:
      return "address";
  }
  return "user_agent";
}

std::span<const std::string_view> ScannerPatterns::default_agents() {
  return kAgents;
}

ScannerPatterns::ScannerPatterns(std::vector<std::string> agents) {
  const bool kept = agents.empty();
  if (kept) agents.assign(kAgents.begin(), kAgents.end());
  for (std::string& text : agents) {
    if (text.empty()) continue;
    std::transform(text.begin(), text.end(), text.begin(), lower);
    const bool whole = kept && text.size() <= kShortAgent;
    begins_.set(static_cast<unsigned char>(text[0]));
    agents_.push_back({std::move(text), whole});
  }
}

bool ScannerPatterns::names_agent(std::string_view text, std::size_t least) const {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!begins_.test(static_cast<unsigned char>(lower(text[at])))) continue;
    for (const Agent& a : agents_) {
      if (a.text.size() >= least && stands_at(text, at, a.text, a.whole)) return true;
    }
  }
  return false;
}

std::optional<ScannerPattern> ScannerPatterns::matches(sip::Message& message) const {
  if (message.kind() != sip::Kind::request) return std::nullopt;
  if (names_agent(message.value(HeaderId::user_agent), 0) ||
      names_agent(message.value(HeaderId::server), 0)) {
    return ScannerPattern::user_agent;
  }
  const sip::NameAddr& from = message.from();
  if (names_agent(from.display, kTellingName)) return ScannerPattern::display_name;
  if (is_stock_address(from.uri) && is_stock_address(message.to().uri)) return ScannerPattern::address;
  if (is_stock_contact(contact_uri(message))) return ScannerPattern::contact;

  const bool branch = is_number_branch(message.via().branch);
  const bool call_id = is_number_call_id(message.call_id());
  if ((branch || call_id) && is_memo_tag(from.tag)) return ScannerPattern::from_tag;
  if (branch && call_id && !tells_its_abilities(message) &&
      (from.tag == "3206210844" || message.value(HeaderId::accept) == "application/sdp")) {
    return ScannerPattern::call_id;
  }
  return std::nullopt;
}

}  // namespace sipward::guardian
