#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "management/config_edit.hpp"
#include "runtime/deployment.hpp"
#include "sipward/http.hpp"

namespace sipward {

HttpResponse json_reply(unsigned status, const boost::json::value& body);
// 405 with Allow.
HttpResponse wrong_method(std::string_view allowed);
// 200 with {"result","warnings"?}, or 400 with {"error","problems"}.
HttpResponse reply_to(const LoadResult& result);

// The entity tag of what stands at a path, quotes included: "PATH HASH". Changes with the value and only
// then.
std::string entity_tag(const ConfigPath& path, const boost::json::value& value);
// Whether If-Match allows a change: it is absent, or tags what stands at the path that it names. False with
// `why` and `status` otherwise.
bool allowed_by_if_match(const HttpRequest& request, const boost::json::value& root, HttpResponse& refusal);

// "/config/servers/0" as steps, decoded; false for a broken escape. A slash at the end is no step.
bool split_path(std::string_view path, std::vector<std::string>& out);

}  // namespace sipward
