#include "http/access.hpp"

#include <algorithm>

#include "sipward/net.hpp"

namespace sipward {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool has(const HttpRequest& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [&](const auto& header) { return same_text(header.first, name); });
}

bool came_through_proxy(const HttpRequest& request) {
  return has(request, "Forwarded") || has(request, "X-Forwarded-For") || has(request, "X-Real-IP") ||
         has(request, "Via");
}

bool only_reads(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace

// Every Origin and Sec-Fetch-Site counts, so that a second one cannot hide the first.
bool foreign_page(const HttpRequest& request) {
  const auto host = request.header("Host");
  for (const auto& [name, value] : request.headers) {
    if (same_text(name, "Origin")) {
      std::string_view origin = value;
      const auto scheme = origin.find("://");
      if (scheme == std::string_view::npos) return true;  // "null"
      origin.remove_prefix(scheme + 3);
      if (host.empty() || !same_text(origin, host)) return true;
    } else if (same_text(name, "Sec-Fetch-Site")) {
      if (!same_text(value, "same-origin") && !same_text(value, "none")) return true;
    }
  }
  return false;
}

// A literal address cannot be made to point elsewhere by the DNS, and "localhost" is never asked for there.
bool names_this_machine(std::string_view authority) {
  const auto host = host_of(authority);
  return same_text(host, "localhost") || Address::parse(host).has_value();
}

std::string_view host_of(std::string_view authority) {
  std::string_view host;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return {};
    host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
  } else {
    host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(host.size());
  }
  if (authority.empty()) return host;
  if (!authority.starts_with(':')) return {};
  authority.remove_prefix(1);
  const bool port =
      std::all_of(authority.begin(), authority.end(), [](char c) { return c >= '0' && c <= '9'; });
  return port ? host : std::string_view();
}

std::string_view access_refusal(const HttpRequest& request) {
  if (foreign_page(request) && !(request.authenticated && only_reads(request.method))) {
    return "requests of other web pages are not answered";
  }
  if (request.authenticated || request.open_to_all) return {};
  if (!request.client.address.is_loopback()) {
    return "without credentials only this machine is answered; use basic_auth or bearer_auth";
  }
  if (!names_this_machine(request.header("Host"))) {
    return "without credentials the Host must be localhost or an address";
  }
  if (came_through_proxy(request)) return "without credentials a proxy's clients are not answered";
  return {};
}

}  // namespace sipward
