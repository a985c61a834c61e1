#pragma once

#include <string_view>

#include "sipward/http.hpp"

namespace sipward::admin {

// Why a request may not see or change what the guardian knows; empty when it may. Without credentials only
// this machine may, unless the site said allow_unauthenticated; and never a web page that uses the browser on
// this machine (a foreign Origin, a name that was made to point here), nor a proxy's client that only looks
// local. Changes are refused to foreign pages even with credentials, because browsers add those by
// themselves.
std::string_view access_refusal(const HttpRequest& request);

// The host of "HOST[:PORT]" without brackets; empty when malformed.
std::string_view host_of(std::string_view authority);

}  // namespace sipward::admin
