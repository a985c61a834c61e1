#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "guardian.hpp"
#include "sipward/http.hpp"

// The admin API's answers, by file, and what they share. All run on the admin thread.
namespace sipward::guardian {

using Captures = std::vector<std::string>;

inline void answer(HttpResponse& response, unsigned status, const boost::json::object& body) {
  response.status = status;
  response.body = boost::json::serialize(body);
}

inline void fail(HttpResponse& response, unsigned status, std::string_view message) {
  response = HttpResponse::error(status, message);
}

inline std::optional<Cidr> target(const std::string& text, HttpResponse& response) {
  const auto prefix = Cidr::parse(text);
  if (!prefix) fail(response, 400, "'" + text.substr(0, 64) + "' is no address or network");
  return prefix;
}

// Whether a parameter is a number; absent ones keep `out`.
bool number_parameter(const HttpRequest& request, std::string_view name, std::uint64_t& out);

// What may be banned by hand. The whole of an IPv6 host is its /64; and a slip of the finger must not shut
// out the Internet.
Cidr widen_host(const Cidr& prefix);
bool too_wide(const Cidr& widened);
Scope prefix_scope(const Cidr& widened);

// ban_endpoints.cpp
void list_bans(const Setup& setup, const HttpRequest& request, HttpResponse& response);
void show_ban(const Setup& setup, const Captures& captures, HttpResponse& response);
void make_ban(const Setup& setup, const HttpRequest& request, const Captures& captures,
              HttpResponse& response);
void lift_ban(const Setup& setup, const Captures& captures, HttpResponse& response);

// why_endpoint.cpp
void show_why(const Setup& setup, const Captures& captures, HttpResponse& response);

// stats_endpoints.cpp
void stats(const Setup& setup, HttpResponse& response);
void validation_stats(const Setup& setup, HttpResponse& response);
// Server-sent events, until the client or the site goes away.
void listen(const Setup& setup, const HttpRequest& request, HttpResponse& response);

}  // namespace sipward::guardian
