#include "management/replies.hpp"

#include <array>
#include <cstdio>

#include "sipward/net.hpp"

namespace sipward {

namespace json = boost::json;

HttpResponse json_reply(unsigned status, const json::value& body) {
  HttpResponse response;
  response.status = status;
  response.body = json::serialize(body) + '\n';
  return response;
}

HttpResponse wrong_method(std::string_view allowed) {
  auto response = HttpResponse::error(405, "this path does not take that method");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

HttpResponse reply_to(const LoadResult& result) {
  using What = LoadResult::What;
  if (result.what == What::refused)
    return json_reply(400, json::object{{"error", result.why}, {"problems", result.problems}});
  json::object body{{"result", result.what == What::changed ? "changed" : "unchanged"}};
  if (!result.problems.empty()) body["warnings"] = result.problems;
  return json_reply(200, body);
}

std::string entity_tag(const ConfigPath& path, const json::value& value) {
  // Nobody gains from two values with one tag but who may change them anyway: the key can be known.
  const auto hash = keyed_hash(HashKey{}, json::serialize(value));
  std::array<char, 20> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  std::string tag = "\"/config";
  for (const auto& key : path) {
    tag += '/';
    for (const char c : key) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet > ' ' && octet < 0x7F && c != '"' && c != '%' && c != '/') {
        tag += c;
      } else {
        std::array<char, 4> escape{};
        std::snprintf(escape.data(), escape.size(), "%%%02X", octet);
        tag += escape.data();
      }
    }
  }
  return tag + ' ' + digits.data() + '"';
}

bool allowed_by_if_match(const HttpRequest& request, const json::value& root, HttpResponse& refusal) {
  const auto tag = request.header("If-Match");
  if (tag.empty() || tag == "*") return true;
  const auto blank = tag.find(' ');
  ConfigPath path;
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"' || blank == std::string_view::npos ||
      !split_path(tag.substr(1, blank - 1), path) || path.empty() || path.front() != "config") {
    refusal = HttpResponse::error(400, "If-Match wants an ETag of /config, as GET gave it");
    return false;
  }
  path.erase(path.begin());
  const auto* value = find_config(root, path);
  if (value && entity_tag(path, *value) == tag) return true;
  refusal = HttpResponse::error(412, "the configuration has changed since that ETag was given");
  return false;
}

bool split_path(std::string_view path, std::vector<std::string>& out) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    if (end == path.size() && end == 0) return true;
    if (!percent_decode(path.substr(0, end), out.emplace_back())) return false;
    path.remove_prefix(end);
  }
  return true;
}

}  // namespace sipward
