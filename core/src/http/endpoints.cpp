#include <algorithm>
#include <utility>

#include "sipward/http.hpp"

namespace sipward {
namespace {

// "/bans/{ip}" → "bans", "{ip}". A path always begins with a slash; "/" alone is one empty segment.
std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> out;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

bool in_braces(std::string_view segment) {
  return segment.size() >= 2 && segment.front() == '{' && segment.back() == '}';
}

// The captures when the pattern fits the decoded path.
bool fits(std::string_view pattern, const std::vector<std::string>& path,
          std::vector<std::string>& captures) {
  const auto wanted = segments(pattern);
  if (wanted.size() != path.size()) return false;
  captures.clear();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!in_braces(wanted[i])) {
      if (wanted[i] != path[i]) return false;
    } else {
      if (path[i].empty()) return false;
      captures.push_back(path[i]);
    }
  }
  return true;
}

bool takes(const HttpEndpoint& endpoint, std::string_view method) {
  return endpoint.method == method || (method == "HEAD" && endpoint.method == "GET");
}

std::string allow(const std::vector<const HttpEndpoint*>& fitting) {
  std::vector<std::string_view> methods;
  for (const auto* endpoint : fitting) {
    methods.push_back(endpoint->method);
    if (endpoint->method == "GET") methods.emplace_back("HEAD");
  }
  std::sort(methods.begin(), methods.end());
  methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
  std::string list;
  for (const auto method : methods) {
    if (!list.empty()) list += ", ";
    list += method;
  }
  return list;
}

}  // namespace

void HttpEndpoints::add(std::string_view group, HttpEndpoint endpoint) {
  const auto same = [&](const auto& have) {
    return have.first == group && have.second.method == endpoint.method &&
           have.second.pattern == endpoint.pattern;
  };
  if (std::any_of(endpoints_.begin(), endpoints_.end(), same)) return;
  endpoints_.emplace_back(group, std::move(endpoint));
}

bool HttpEndpoints::has(std::string_view group) const {
  return std::any_of(endpoints_.begin(), endpoints_.end(),
                     [&](const auto& have) { return have.first == group; });
}

void HttpEndpoints::run(std::string_view group, const HttpRequest& request, HttpResponse& response) const {
  std::vector<std::string> path;
  for (const auto segment : segments(request.path)) {
    if (!percent_decode(segment, path.emplace_back())) {
      response = HttpResponse::error(400, "the path has a broken percent escape");
      return;
    }
  }
  std::vector<const HttpEndpoint*> fitting;
  const HttpEndpoint* best = nullptr;
  std::vector<std::string> captures;
  std::vector<std::string> best_captures;
  for (const auto& [of, endpoint] : endpoints_) {
    if (of != group || !fits(endpoint.pattern, path, captures)) continue;
    fitting.push_back(&endpoint);
    if (!takes(endpoint, request.method)) continue;
    if (best && best_captures.size() <= captures.size()) continue;
    best = &endpoint;
    best_captures = captures;
  }
  if (best) {
    best->run(request, best_captures, response);
  } else if (fitting.empty()) {
    response = HttpResponse::error(404, "no such path");
  } else {
    response = HttpResponse::error(405, "this path does not take that method");
    response.headers.emplace_back("Allow", allow(fitting));
  }
}

}  // namespace sipward
