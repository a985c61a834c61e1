#include "cli/guardian_commands.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <deque>
#include <iostream>

#include "cli/api_client.hpp"
#include "cli/asking.hpp"
#include "cli/json_text.hpp"
#include "sipward/config.hpp"
#include "sipward/net.hpp"

namespace sipward::cli {
namespace {

namespace json = boost::json;

constexpr int kGoOn = -1;

std::string escaped(std::string_view text) {  // for one segment of a path (RFC 3986 2.3)
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || c == ':';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[octet >> 4];
      out += kDigits[octet & 15];
    }
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return out;
}

// One guardian of the server that the arguments mean.
class Guardian {
 public:
  // kGoOn, or the exit status when there is none.
  int find(const Arguments& arguments) {
    address_ = address_of(arguments, flag(arguments, "config"));
    auto name = flag(arguments, "guardian");
    ApiAnswer answer;
    if (const int status = ask({"GET", "/guardian", {}, {}}, answer); status != kGoOn) return status;
    std::vector<std::string> names;
    const auto listed = object_in(answer.body);
    if (const auto* all = listed.if_contains("guardians"); answer.status == 200 && all && all->is_array()) {
      for (const auto& one : all->as_array())
        if (const auto* text = one.if_string()) names.emplace_back(text->data(), text->size());
    }
    if (names.empty()) return failed("the server at " + address_ + " has no sip_guardian");
    if (name.empty()) name = names.size() == 1 ? names.front() : "default";
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string list;
      for (const auto& one : names) list += (list.empty() ? "" : ", ") + printable(one);
      return failed("there is no sip_guardian named " + printable(name) +
                    "; give --guardian one of: " + list);
    }
    path_ = "/guardian/" + escaped(name);
    return kGoOn;
  }

  // Asks for what lies below the guardian's path.
  int ask_it(const std::string& method, const std::string& path, const std::string& body, ApiAnswer& answer) {
    ApiRequest request{method, path_ + path, {}, body};
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    return ask(request, answer);
  }

 private:
  int ask(const ApiRequest& request, ApiAnswer& answer) {
    std::string problem;
    auto got = ask_api(address_, request, problem);
    if (!got) return failed(problem);
    answer = std::move(*got);
    return kGoOn;
  }

  std::string address_;
  std::string path_;
};

int list_bans(const Arguments& arguments) {
  if (!arguments.words.empty())
    return usage_error("bans takes no argument; 'sipward why ADDRESS' tells of one");
  Guardian guardian;
  if (const int status = guardian.find(arguments); status != kGoOn) return status;
  json::array bans;
  std::string after = "0";
  while (!after.empty()) {
    ApiAnswer answer;
    const int status = guardian.ask_it("GET", "/bans?limit=1000&after=" + after, {}, answer);
    if (status != kGoOn) return status;
    if (answer.status != 200) return refused(answer.status, answer.body);
    auto page = object_in(answer.body);
    auto* some = page["bans"].if_array();
    if (!some) return failed("the server's answer is not understood");
    for (auto& ban : *some) bans.push_back(std::move(ban));
    after = text_of(page, "after");
  }
  if (arguments.has("json")) {
    std::cout << pretty(bans);
  } else if (bans.empty()) {
    std::cout << "nobody is banned\n";
  } else {
    std::cout << ban_table(bans);
  }
  return kFine;
}

// The one word of a command, when it is an address or network.
bool target_in(const Arguments& arguments, std::string& target) {
  if (arguments.words.size() != 1 || !Cidr::parse(arguments.words.front())) return false;
  target = arguments.words.front();
  return true;
}

int ban(const Arguments& arguments) {
  std::string target;
  if (!target_in(arguments, target)) return usage_error("ban wants one address or network");
  json::object wanted;
  if (arguments.has("for")) {
    const auto time = config::parse_duration(flag(arguments, "for"));
    if (!time || time->count() <= 0) return usage_error("--for wants a time such as 24h");
    wanted["duration"] = flag(arguments, "for");
  }
  if (arguments.has("reason")) wanted["reason"] = flag(arguments, "reason");
  Guardian guardian;
  if (const int status = guardian.find(arguments); status != kGoOn) return status;
  ApiAnswer answer;
  const int status = guardian.ask_it("POST", "/ban/" + escaped(target), json::serialize(wanted), answer);
  if (status != kGoOn) return status;
  if (answer.status != 201) return refused(answer.status, answer.body);
  const auto made = object_in(answer.body);
  std::cout << printable(text_of(made, "ip")) << " is banned until " << printable(text_of(made, "expires_at"))
            << '\n';
  return kFine;
}

int unban_all(Guardian& guardian) {
  for (const auto* everything : {"0.0.0.0/0", "::/0"}) {
    ApiAnswer answer;
    const int status = guardian.ask_it("DELETE", "/unban/" + escaped(everything), {}, answer);
    if (status != kGoOn) return status;
    if (answer.status != 200 && answer.status != 404) return refused(answer.status, answer.body);
  }
  std::cout << "nobody is banned any more\n";
  return kFine;
}

int unban(const Arguments& arguments) {
  std::string target;
  const bool all = arguments.has("all");
  if (all ? !arguments.words.empty() : !target_in(arguments, target)) {
    return usage_error("unban wants one address or network, or --all");
  }
  Guardian guardian;
  if (const int status = guardian.find(arguments); status != kGoOn) return status;
  if (all) return unban_all(guardian);
  ApiAnswer answer;
  const int status = guardian.ask_it("DELETE", "/unban/" + escaped(target), {}, answer);
  if (status != kGoOn) return status;
  if (answer.status != 200) return refused(answer.status, answer.body);
  std::cout << target << " is not banned any more\n";
  return kFine;
}

int tell_why(const Arguments& arguments) {
  if (arguments.words.size() != 1 || !Address::parse(arguments.words.front())) {
    return usage_error("why wants one address");
  }
  Guardian guardian;
  if (const int status = guardian.find(arguments); status != kGoOn) return status;
  ApiAnswer answer;
  const int status = guardian.ask_it("GET", "/why/" + escaped(arguments.words.front()), {}, answer);
  if (status != kGoOn) return status;
  if (answer.status != 200) return refused(answer.status, answer.body);
  const auto known = object_in(answer.body);
  std::cout << (arguments.has("json") ? pretty(known) : text_of(known, "text"));
  return kFine;
}

constexpr std::string_view kWhere =
    "The server is asked by its management API: --address, or what the Sipfile of --config says of `admin`, "
    "or\n127.0.0.1:2019. With several guardians --guardian names one ['default'].\n\n";

std::vector<Flag> with_common(std::vector<Flag> flags) {
  flags.insert(flags.end(), {{"guardian", true}, {"address", true}, {"config", true}});
  return flags;
}

// Texts of help live as long as the program.
std::string_view help_of(std::string_view usage, std::string_view what, std::string_view example) {
  static std::deque<std::string> kept;
  return kept.emplace_back(
      std::string(usage) + " [--guardian NAME] [--address HOST:PORT | --config SIPFILE]\n\n" +
      std::string(what) + std::string(kWhere) + "Example:\n  " + std::string(example) + '\n');
}

}  // namespace

std::string ban_table(const json::array& bans) {
  using Row = std::array<std::string, 7>;
  static constexpr std::array<std::string_view, 6> kKeys = {"ip",     "scope",    "reason",
                                                            "source", "evidence", "expires_at"};
  std::vector<Row> rows{{"ADDRESS", "SCOPE", "REASON", "BY", "EVIDENCE", "UNTIL", "PACKETS"}};
  for (const auto& value : bans) {
    const auto* ban = value.if_object();
    if (!ban) continue;
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < kKeys.size(); ++i) row[i] = printable(text_of(*ban, kKeys[i]));
    const auto* port = ban->if_contains("port");
    if (port && port->is_number()) row[0] += " port " + json::serialize(*port);
    if (const auto user = text_of(*ban, "user"); !user.empty()) row[0] += " user " + printable(user);
    if (const auto* hits = ban->if_contains("hits"); hits && hits->is_number())
      row[6] = json::serialize(*hits);
  }
  std::array<std::size_t, 7> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      out += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    out += row.back() + '\n';
  }
  return out;
}

std::vector<Command> guardian_commands() {
  return {
      {"bans", "list who is banned",
       help_of("sipward bans [--json]",
               "Prints a line for each ban, oldest first; --json prints them as an array.\n", "sipward bans"),
       with_common({{"json", false}}), list_bans},
      {"ban", "ban an address or network",
       help_of("sipward ban ADDRESS|NETWORK [--for TIME] [--reason TEXT]",
               "Bans it for TIME [the guardian's ban_time]. Whoever is whitelisted or protected can't be "
               "banned.\n",
               "sipward ban 192.0.2.7 --for 24h --reason 'calls at night'"),
       with_common({{"for", true}, {"reason", true}}), ban},
      {"unban", "lift what holds against an address or network",
       help_of("sipward unban ADDRESS|NETWORK|--all",
               "Lifts every ban of it or inside it, soft blocks, and what is counted.\n",
               "sipward unban 192.0.2.7"),
       with_common({{"all", false}}), unban},
      {"why", "tell why an address is banned, or that it is not",
       help_of("sipward why ADDRESS [--json]",
               "Tells in sentences what is held against it and which messages led there, without passwords, "
               "nonces "
               "and tags.\n",
               "sipward why 192.0.2.7"),
       with_common({{"json", false}}), tell_why},
  };
}

}  // namespace sipward::cli
