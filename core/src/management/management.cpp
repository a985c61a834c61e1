#include "management/management.hpp"

#include <algorithm>

#include "http/access.hpp"
#include "management/config_edit.hpp"
#include "management/replies.hpp"
#include "sipward/build_id.hpp"

namespace sipward {
namespace {

namespace json = boost::json;

constexpr std::string_view kGroup = "management";
constexpr std::size_t kMaxOther = std::size_t{64} * 1024;  // octets of a body that is no configuration

bool reads(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// "application/json; charset=utf-8" → "application/json"
std::string media_type(const HttpRequest& request) {
  auto type = std::string(request.header("Content-Type"));
  type.resize(std::min(type.find(';'), type.size()));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type;
}

// The configuration in a body. False with a refusal when its type is none that we read.
bool read_text(const HttpRequest& request, ConfigText& text, HttpResponse& refusal) {
  const auto type = media_type(request);
  if (type.empty() || type == "application/json") {
    text.form = ConfigText::Form::json;
  } else if (type == "text/sipfile" || type == "text/caddyfile") {
    text.form = ConfigText::Form::sipfile;
  } else {
    refusal = HttpResponse::error(415, "a configuration comes as application/json or text/sipfile");
    return false;
  }
  text.text = request.body;
  return true;
}

bool forced(const HttpRequest& request) {
  return request.header("Cache-Control").find("must-revalidate") != std::string_view::npos;
}

json::array names(const std::vector<std::string>& words) {
  return json::array(words.begin(), words.end());
}

HttpResponse list_modules(const ModuleHost& modules) {
  json::array all;
  for (const auto& module : modules.modules()) {
    json::object entry{{"name", module.name}, {"version", module.version}, {"path", module.path.string()}};
    entry["handlers"] = names(module.directives);
    entry["matchers"] = names(module.matchers);
    entry["http"] = names(module.http);
    entry["services"] = names(module.services);
    if (!module.refused.empty()) entry["refused"] = module.refused;
    all.push_back(std::move(entry));
  }
  return json_reply(200, json::object{{"modules", std::move(all)}});
}

}  // namespace

Management::Management(ManagedServer& server, const config::ListenAddress& listen) : server_(server) {
  const auto address = Address::parse(listen.host);
  const bool local = listen.host.empty() || listen.host == "localhost" ||
                     (address && (address->is_loopback() || address->is_unspecified()));
  everybody_ = !local;
}

HttpHandler::Outcome Management::handle(HttpRequest& request, HttpResponse& response) const {
  const auto why = refusal(request);
  response = why.empty() ? answer(request) : HttpResponse::error(403, why);
  return Outcome::answered;
}

std::string_view Management::refusal(const HttpRequest& request) const {
  if (!everybody_) return access_refusal(request);
  // There is no login: whoever reaches the address that the operator chose may ask, but no web page may.
  if (foreign_page(request)) return "requests of web pages are not answered";
  if (!names_this_machine(request.header("Host"))) return "the Host must be an address";
  return {};
}

HttpResponse Management::answer(const HttpRequest& request) const {
  std::vector<std::string> path;
  if (!split_path(request.path, path))
    return HttpResponse::error(400, "the path has a broken percent escape");
  const auto first = path.empty() ? std::string() : path.front();
  if (first == "config") {
    path.erase(path.begin());
    return config(request, std::move(path));
  }
  if (path.size() == 1 && first == "load") return load(request);
  if (path.size() == 1 && first == "adapt") return adapt(request);
  if (request.body.size() > kMaxOther) return HttpResponse::error(413, "the body is over the limit");
  if (path.size() == 1 && first == "stop") {
    if (request.method != "POST") return wrong_method("POST");
    return on_control([&server = server_] {
      server.stop();
      return json_reply(200, json::object{{"result", "stopping"}});
    });
  }
  if (path.size() == 1 && first == "modules")
    return reads(request) ? list_modules(server_.modules()) : wrong_method("GET, HEAD");
  if (path.empty()) {
    if (!reads(request)) return wrong_method("GET, HEAD");
    return json_reply(
        200, json::object{
                 {"name", "sipward"}, {"version", SIPWARD_VERSION}, {"sipfile", server_.sipfile().string()}});
  }
  return contributed(request, path);
}

// Modules add what they have to tell to the group "management", or to "management/A/B" for what lies below
// /A/B.
HttpResponse Management::contributed(const HttpRequest& request, const std::vector<std::string>& path) const {
  HttpResponse response;
  if (path.size() >= 2) {
    const auto group = std::string(kGroup) + '/' + path[0] + '/' + path[1];
    if (endpoints_->has(group)) {
      auto inner = request;
      for (int i = 0; i < 2; ++i) inner.path.erase(0, std::min(inner.path.find('/', 1), inner.path.size()));
      if (inner.path.empty()) inner.path = "/";
      endpoints_->run(group, inner, response);
      return response;
    }
  }
  endpoints_->run(kGroup, request, response);
  if (response.status == 404 && path.size() == 1 && path[0] == "upstreams") {  // nothing has an upstream
    if (!reads(request)) return wrong_method("GET, HEAD");
    return json_reply(200, json::object{{"upstreams", json::array()}});
  }
  return response;
}

HttpResponse Management::on_control(std::function<HttpResponse()> task) const {
  HttpResponse response;
  const auto& clock = *clock_;
  response.later = [&server = server_, &clock, latest = clock.now() + kPatience,
                    task = std::move(task)](std::function<void(HttpResponse)> done) {
    server.on_control([&clock, latest, task, done = std::move(done)] {
      if (clock.now() > latest)
        return done(HttpResponse::error(503, "the server was busy; nothing was changed"));
      HttpResponse answer;
      try {
        answer = task();
      } catch (const std::exception& e) {
        answer = HttpResponse::error(500, e.what());
      }
      done(std::move(answer));
    });
  };
  return response;
}

HttpResponse Management::load(const HttpRequest& request) const {
  if (request.method != "POST") return wrong_method("POST");
  const bool force = forced(request);
  if (request.body.empty())
    return on_control([&server = server_, force] { return reply_to(server.reread(force)); });
  ConfigText text;
  HttpResponse wrong;
  if (!read_text(request, text, wrong)) return wrong;
  return on_control([&server = server_, text, force] { return reply_to(server.load(text, force)); });
}

HttpResponse Management::adapt(const HttpRequest& request) const {
  if (request.method != "POST") return wrong_method("POST");
  ConfigText text;
  HttpResponse wrong;
  if (!read_text(request, text, wrong)) return wrong;
  return on_control([&server = server_, text] {
    json::object config;
    const auto result = server.adapt(text, config);
    if (result.what == LoadResult::What::refused) return reply_to(result);
    json::object body{{"result", std::move(config)}};
    if (!result.problems.empty()) body["warnings"] = result.problems;
    return json_reply(200, body);
  });
}

HttpResponse Management::config(const HttpRequest& request, std::vector<std::string> path) const {
  if (reads(request)) {
    const json::value root = server_.running()->config;
    const auto* value = find_config(root, path);
    if (!value) return HttpResponse::error(404, "nothing stands at that path");
    auto response = json_reply(200, *value);
    response.headers.emplace_back("ETag", entity_tag(path, *value));
    return response;
  }
  if (request.method != "POST" && request.method != "PUT" && request.method != "PATCH" &&
      request.method != "DELETE")
    return wrong_method("DELETE, GET, HEAD, PATCH, POST, PUT");
  json::value body;
  if (request.method != "DELETE") {
    if (const auto type = media_type(request); !type.empty() && type != "application/json")
      return HttpResponse::error(415, "a part of the configuration comes as application/json");
    boost::system::error_code error;
    body = json::parse(request.body, error);
    if (error) return HttpResponse::error(400, "the body is no JSON: " + error.message());
  }
  return on_control([&server = server_, request, path = std::move(path), body = std::move(body)] {
    json::value root = server.running()->config;
    HttpResponse refused;
    if (!allowed_by_if_match(request, root, refused)) return refused;
    if (const auto wrong = edit_config(root, request.method, path, body))
      return HttpResponse::error(wrong->status, wrong->why);
    auto response = reply_to(server.load({ConfigText::Form::json, json::serialize(root)}, forced(request)));
    const json::value now = server.running()->config;
    if (const auto* value = find_config(now, path); value && response.status == 200)
      response.headers.emplace_back("ETag", entity_tag(path, *value));
    return response;
  });
}

bool add_management_site(RouteTree& tree, const config::Sipfile& sipfile, ManagedServer& server,
                         Logger& log) {
  const auto& listen = sipfile.options.admin;
  if (!listen) return false;
  if (!server.modules().service("http_server/1")) {
    log.warn("core", "no module provides http_server/1, so there is no management API on admin");
    return false;
  }
  HttpSite site;
  site.listen = {listen->to_string()};
  site.max_body = Management::kMaxConfig;
  site.handlers.push_back(std::make_unique<Management>(server, *listen));
  tree.sites->push_back(std::move(site));
  const auto* asked = sipfile.global.record->find("admin");
  return !asked || asked->value.is_null();
}

}  // namespace sipward
