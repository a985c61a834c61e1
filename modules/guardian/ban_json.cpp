#include "ban_json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>

namespace sipward::guardian {

std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return out;
}

boost::json::array signals_json(const std::vector<Signal>& signals, const Clock& clock) {
  boost::json::array out;
  for (const auto& signal : signals) {
    boost::json::object one{{"at", rfc3339(clock.wall(signal.at))},
                            {"reason", to_string(signal.reason)},
                            {"weight", signal.weight},
                            {"method", sip::to_string(signal.method)},
                            {"transport", sipward::to_string(signal.transport)},
                            {"proof", sipward::to_string(signal.proof)}};
    if (signal.status != 0) one["answer"] = signal.status;
    if (!signal.user.view().empty()) one["user"] = printable(signal.user.view());
    out.push_back(std::move(one));
  }
  return out;
}

std::string rfc3339(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  if (!gmtime_r(&seconds, &parts)) return {};
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

boost::json::object to_json(const Ban& ban) {
  boost::json::object out{{"ip", ban.prefix.to_string()},
                          {"scope", to_string(ban.scope)},
                          {"reason", ban.reason},
                          {"source", ban.source},
                          {"evidence", sipward::to_string(ban.evidence)},
                          {"proof", sipward::to_string(ban.proof)},
                          {"banned_at", rfc3339(ban.banned_at)},
                          {"expires_at", rfc3339(ban.expires_at)},
                          {"hits", ban.hits}};
  if (ban.scope == Scope::flow) out["port"] = ban.port;
  if (ban.scope == Scope::identity) out["user"] = printable(ban.user_text);
  return out;
}

boost::json::object why(const Ban& ban, const Clock& clock) {
  auto out = to_json(ban);
  out["signals"] = signals_json(ban.signals, clock);
  boost::json::array messages;
  if (!ban.excerpt.empty()) messages.emplace_back(ban.excerpt);
  out["messages"] = std::move(messages);
  return out;
}

boost::json::object why(const SoftBlockRecord& record, const Clock& clock) {
  boost::json::array messages;
  if (!record.excerpt.empty()) messages.emplace_back(record.excerpt);
  return {{"ip", record.address.to_string()},
          {"scope", "soft_block"},
          {"reason", to_string(record.reason)},
          {"source", "guardian"},
          {"evidence", "unproven"},
          {"proof", "none"},
          {"banned_at", rfc3339(record.since)},
          {"expires_at", rfc3339(record.until_wall)},
          {"soft_block", true},
          {"signals", signals_json(record.signals, clock)},
          {"messages", std::move(messages)}};
}

}  // namespace sipward::guardian
