#include <httplib.h>

#include "server_fixture.hpp"

using namespace sipward;
using namespace sipward::admin::test;
using Outcome = HttpHandler::Outcome;

namespace {

httplib::Client client_of(const RunningServer& server) {
  httplib::Client client("127.0.0.1", server.port());
  client.set_read_timeout(10);
  return client;
}

}  // namespace

TEST_CASE("an ordinary client is served, one request after the other on one connection") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  auto client = client_of(server);
  client.set_keep_alive(true);
  for (int i = 0; i < 20; ++i) {
    const auto got = client.Get("/path%2Fx?q=1");
    REQUIRE(got);
    CHECK(got->status == 200);
    CHECK(got->body == "GET /path%2Fx?q=1 ");
    const auto posted = client.Post("/p", "{\"a\":1}", "application/json");
    REQUIRE(posted);
    CHECK(posted->body == "POST /p? {\"a\":1}");
  }
  CHECK(client.Get("/")->get_header_value("X-Content-Type-Options") == "nosniff");
  CHECK_FALSE(client.Get("/")->get_header_value("Date").empty());
}

TEST_CASE("HEAD has the header of GET and no body") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  auto client = client_of(server);
  const auto head = client.Head("/x");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->body.empty());
  CHECK(head->get_header_value("Content-Length") == "9");
}

TEST_CASE("a body at the limit is taken and one octet more is refused") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", [](HttpRequest& request, HttpResponse& response) {
    response.body = std::to_string(request.body.size());
    return Outcome::answered;
  }));
  auto client = client_of(server);
  const auto fits = client.Post("/", std::string(64 * 1024, 'x'), "text/plain");
  REQUIRE(fits);
  CHECK(fits->body == "65536");
  const auto over = client.Post("/", std::string(64 * 1024 + 1, 'x'), "text/plain");
  REQUIRE(over);
  CHECK(over->status == 413);
  CHECK(over->body.rfind("{\"error\":", 0) == 0);
  const auto far_over = client.Post("/", std::string(1024 * 1024, 'x'), "text/plain");
  if (far_over) CHECK(far_over->status == 413);  // a client may give up sending instead
}

TEST_CASE("a whole site works through the socket") {
  RunningServer server;
  std::vector<HttpSite> sites(1);
  sites[0].listen = {"127.0.0.1:0"};
  sites[0].handlers = SiteText(
                          "handle /metrics { metrics }\n"
                          "handle /hello { respond hi }\n"
                          "handle /private/* { bearer_auth first-token-0123456789 \n respond secret }\n")
                          .take();
  server.serve(std::move(sites));
  auto client = client_of(server);
  CHECK(client.Get("/metrics")->status == 200);
  CHECK(client.Get("/metrics")->body.find("process_resident_memory_bytes") != std::string::npos);
  CHECK(client.Post("/metrics")->status == 405);
  CHECK(client.Get("/metrics", {{"Host", "evil.example"}})->status == 403);
  CHECK(client.Get("/hello")->body == "hi");
  CHECK(client.Get("/nothing")->status == 404);
  CHECK(client.Get("/private/x")->status == 401);
  CHECK(client.Get("/private/x")->get_header_value("WWW-Authenticate") == "Bearer");
  client.set_bearer_token_auth("first-token-0123456789");
  CHECK(client.Get("/private/x")->body == "secret");
}

TEST_CASE("a response cannot be split by a header that a handler took from a request") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", [](HttpRequest&, HttpResponse& response) {
    response.headers = {{"X-Bad", "a\r\nSet-Cookie: b"}, {"X-Good", "fine"}, {"Content-Length", "1"}};
    response.body = "four";
    return Outcome::answered;
  }));
  const auto got = client_of(server).Get("/");
  REQUIRE(got);
  CHECK(got->body == "four");
  CHECK(got->get_header_value("X-Good") == "fine");
  CHECK_FALSE(got->has_header("X-Bad"));
  CHECK_FALSE(got->has_header("Set-Cookie"));
}

TEST_CASE("a handler that throws costs its request only") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", [](HttpRequest& request, HttpResponse& response) {
    if (request.path == "/throw") throw std::runtime_error("broken");
    if (request.path == "/status") response.status = 99;
    return Outcome::answered;
  }));
  auto client = client_of(server);
  client.set_keep_alive(true);
  CHECK(client.Get("/throw")->status == 500);
  CHECK(client.Get("/status")->status == 500);
  CHECK(client.Get("/")->status == 200);
  CHECK(server.logged().find("error=broken") != std::string::npos);
}
