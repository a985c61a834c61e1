#include "endpoint_parts.hpp"

#include "ban_view.hpp"
#include "sipward/config/scalars.hpp"

namespace sipward::guardian {

bool number_parameter(const HttpRequest& request, std::string_view name, std::uint64_t& out) {
  bool found = false;
  const auto text = request.parameter(name, &found);
  if (!found) return true;
  const auto number = config::parse_number(text);
  if (!number || *number < 0) return false;
  out = static_cast<std::uint64_t>(*number);
  return true;
}

Cidr widen_host(const Cidr& prefix) {
  const Cidr host = host_prefix(prefix.base);
  return prefix.bits > host.bits ? host : prefix;
}

bool too_wide(const Cidr& widened) {
  return widened.bits < (widened.base.is_v4() ? 8U : 16U);
}

Scope prefix_scope(const Cidr& widened) {
  return widened.bits == host_prefix(widened.base).bits ? Scope::address : Scope::network;
}

}  // namespace sipward::guardian
