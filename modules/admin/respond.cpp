#include "respond.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

namespace sipward::admin {
namespace {

bool is_status(const config::Arg& arg) {
  return !arg.quoted && arg.text.size() == 3 &&
         std::all_of(arg.text.begin(), arg.text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_json(std::string_view body) {
  if (body.empty() || (body.front() != '{' && body.front() != '[')) return false;
  boost::system::error_code error;
  boost::json::parse({body.data(), body.size()}, error);
  return !error;
}

}  // namespace

Respond::Respond(Options options)
    : options_(std::move(options)),
      content_type_(is_json(options_.body) ? "application/json" : "text/plain; charset=utf-8") {}

//   respond [PATH] [BODY] [STATUS] {
//       body   BODY
//       status STATUS   [200]
//       close
//   }
std::unique_ptr<HttpHandler> Respond::create(const config::Node& node, CreateContext& context) {
  Options o;
  config::Reader r(node, context.errors);
  const auto args = r.args();
  std::size_t next = 0;
  if (next < args.size() && !args[next].quoted &&
      (args[next].text == "*" || args[next].text.starts_with('/'))) {
    r.value(
        "path", "a path such as /healthz",
        [&](const config::Arg& arg) { return (o.path = PathPattern::parse(arg.text)).has_value(); },
        config::Place::argument);
    ++next;
  }
  // A lone number is a status, as in Caddy.
  const bool status_only = next < args.size() && is_status(args[next]);
  r.text("body", o.body, status_only ? config::Place::option : config::Place::argument);
  r.number("status", o.status, 200, 599, config::Place::argument);
  r.flag("close", o.close);
  r.finish();
  return std::make_unique<Respond>(std::move(o));
}

HttpHandler::Outcome Respond::handle(HttpRequest& request, HttpResponse& response) const {
  if (options_.path && !options_.path->matches(request.path)) return Outcome::next;
  response.status = options_.status;
  response.body = options_.body;
  response.content_type = options_.body.empty() ? std::string() : content_type_;
  if (options_.close) response.headers.emplace_back("Connection", "close");
  return Outcome::answered;
}

}  // namespace sipward::admin
