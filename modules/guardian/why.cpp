#include "why.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "ban_json.hpp"

namespace sipward::guardian {
namespace {

std::string plural(std::uint64_t number, const std::string& thing) {
  return std::to_string(number) + ' ' + thing + (number == 1 ? "" : "s");
}

std::string short_time(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  if (seconds != 0 && seconds % 3600 == 0) return std::to_string(seconds / 3600) + " h";
  if (seconds != 0 && seconds % 60 == 0) return std::to_string(seconds / 60) + " min";
  return seconds == 0 ? std::to_string(time.count()) + " ms" : std::to_string(seconds) + " s";
}

// What a finding says, with the message as its subject.
std::string finding(const Signal& signal) {
  switch (signal.reason) {
    case Reason::null_bytes:
      return "it holds an octet 0 where none may be";
    case Reason::binary_injection:
      return "it holds octets that no SIP message has";
    case Reason::validation:
      return "it breaks the rules for SIP messages";
    case Reason::broken_stream:
      return "the connection carried what is no SIP";
    case Reason::scanner:
      return "it has the form of a known scanning tool";
    case Reason::wrong_password:
      return "the PBX refused its credentials";
    case Reason::unknown_user:
      return "the PBX does not know whom it asks for";
    case Reason::forbidden:
      return "the PBX forbade it";
    case Reason::stale_nonce:
      return "its credentials are for a challenge that was not sent there";
    default:
      return "reason " + std::string(to_string(signal.reason));
  }
}

std::string_view proved_by(Proof proof) {
  switch (proof) {
    case Proof::none:
      return "its sender was not proven";
    case Proof::handshake:
      return "its sender was proven by a handshake";
    case Proof::nonce:
      return "its sender was proven by a nonce of the PBX";
    case Proof::to_tag:
      return "its sender was proven by a tag of the PBX";
    default:
      return "its sender was proven";
  }
}

// "12:00:01" of an RFC 3339 time.
std::string time_of_day(const std::string& time) {
  return time.size() > 19 ? time.substr(11, 8) : time;
}

std::string sentence(const Signal& signal, const Clock& clock) {
  auto line = "  " + time_of_day(rfc3339(clock.wall(signal.at))) + ' ';
  line += signal.method == sip::Method::other ? "message" : std::string(sip::to_string(signal.method));
  if (const auto user = signal.user.view(); !user.empty()) line += " of user " + printable(user);
  auto transport = std::string(to_string(signal.transport));
  std::transform(transport.begin(), transport.end(), transport.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  line += " over " + transport + ": " + finding(signal);
  if (signal.status != 0) line += " (" + std::to_string(signal.status) + ')';
  return line + ", weight " + std::to_string(signal.weight) + "; " + std::string(proved_by(signal.proof)) +
         ".\n";
}

void add_messages(std::string& out, const std::vector<Signal>& signals, const Clock& clock,
                  const std::string& excerpt) {
  if (!signals.empty())
    out += "What led there (the last " + std::to_string(signals.size()) + ", times in UTC):\n";
  for (const auto& signal : signals) out += sentence(signal, clock);
  if (excerpt.empty()) return;
  out += "The last message, without what is secret:\n";
  std::string_view rest = excerpt;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    out += "  | " + printable(rest.substr(0, end)) + '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::string whom(const Ban& ban, const Address& asked) {
  const auto prefix = ban.prefix.to_string();
  switch (ban.scope) {
    case Scope::flow:
      return "port " + std::to_string(ban.port) + " of " + prefix;
    case Scope::identity:
      return "user " + printable(ban.user_text) + " at " + prefix;
    default:
      return prefix == asked.to_string() ? prefix : prefix + ", which holds " + asked.to_string() + ',';
  }
}

void add_ban(std::string& out, const Ban& ban, const Why& why, const Clock& clock) {
  out +=
      whom(ban, why.address) + " is banned until " + rfc3339(ban.expires_at) + ": " + printable(ban.reason);
  if (!ban.signals.empty()) out += ", after " + plural(ban.signals.size(), "failure");
  out += ".\nIt was banned at " + rfc3339(ban.banned_at) + " by " + printable(ban.source);
  if (ban.evidence == Evidence::proven) out += ", on proven evidence";
  out += "; since then " + plural(ban.hits, "packet") + " of it stopped.\n";
  add_messages(out, ban.signals, clock, ban.excerpt);
}

void add_soft_block(std::string& out, const SoftBlockRecord& record, const Clock& clock) {
  out += record.address.to_string() + " is soft-blocked until " + rfc3339(record.until_wall) + ": " +
         std::string(to_string(record.reason)) + ", " + plural(record.signals.size(), "message") +
         " whose sender was not proven.\n"
         "Anybody could have sent them in its name, so it is not banned: its new requests are dropped, never "
         "those "
         "of phones that\nare registered or have proved themselves.\n";
  add_messages(out, record.signals, clock, record.excerpt);
}

void add_counts(std::string& out, const Why& why, const Clock& clock) {
  if (state_of(why) == "counted") {
    out += "Counted within " + short_time(why.find_time) + ": " + plural(why.failures, "proven failure") +
           " and " + plural(why.strikes, "unproven one") + "; " + std::to_string(why.max_failures) +
           " of a kind are too many.\n";
    add_messages(out, why.signals, clock, {});
  } else if (why.bans.empty() && !why.soft_block) {
    out += "Nothing is counted against it.\n";
  }
}

}  // namespace

std::string_view state_of(const Why& why) {
  if (!why.whitelisted.empty()) return "whitelisted";
  if (!why.bans.empty()) return "banned";
  if (why.soft_block) return "soft_blocked";
  if (!why.protected_.empty()) return "protected";
  return why.failures + why.strikes != 0 ? "counted" : "unknown";
}

std::string explain(const Why& why, const Clock& clock) {
  const auto address = why.address.to_string();
  const auto state = state_of(why);
  std::string out;
  if (state == "whitelisted") {
    return address + " is never banned: it is on the whitelist, as " + printable(why.whitelisted) + ".\n";
  }
  for (const auto& ban : why.bans) add_ban(out, *ban, why, clock);
  if (why.soft_block) add_soft_block(out, *why.soft_block, clock);
  if (state == "protected") {
    out += address + " is never banned: it is protected, as " + printable(why.protected_) + ".\n";
  } else if (state == "counted" || state == "unknown") {
    out += address + " is not banned.\n";
  }
  add_counts(out, why, clock);
  return out;
}

boost::json::object to_json(const Why& known, const Clock& clock) {
  boost::json::array bans;
  for (const auto& ban : known.bans) bans.push_back(why(*ban, clock));
  boost::json::object out{{"ip", known.address.to_string()}, {"state", state_of(known)},
                          {"text", explain(known, clock)},   {"bans", std::move(bans)},
                          {"soft_block", nullptr},           {"failures", known.failures},
                          {"strikes", known.strikes},        {"signals", signals_json(known.signals, clock)}};
  if (known.soft_block) out["soft_block"] = why(*known.soft_block, clock);
  if (!known.whitelisted.empty()) out["whitelisted"] = known.whitelisted;
  if (!known.protected_.empty()) out["protected"] = known.protected_;
  return out;
}

}  // namespace sipward::guardian
