#include <optional>

#include "server_fixture.hpp"

using namespace sipward;
using namespace sipward::admin;
using namespace sipward::admin::test;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

std::string status_line(const std::string& response) {
  return response.substr(0, response.find('\r'));
}

std::string ask(Port port, const std::string& octets) {
  RawClient client(port);
  client.send(octets);
  return client.read_to_end();
}

const std::string kClose = "Host: localhost\r\nConnection: close\r\n\r\n";

}  // namespace

TEST_CASE("malformed requests are answered with 400 and the connection ends") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  const std::string rows[] = {
      "nonsense\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",  // no Host
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
      "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      std::string("GET / HTTP/1.1\r\nHost: local\0host\r\n\r\n", 36),
      "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
  };
  for (const auto& row : rows) {
    CAPTURE(row);
    const auto response = ask(server.port(), row);
    CHECK(status_line(response) == "HTTP/1.1 400 Bad Request");
    CHECK(response.find("{\"error\":\"") != std::string::npos);
  }
}

TEST_CASE("limits are answered before the octets beyond them are read") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  const auto header = "GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n" + kClose;
  CHECK(status_line(ask(server.port(), header)) == "HTTP/1.1 431 Request Header Fields Too Large");
  const auto target = "GET /" + std::string(9000, 'x');
  CHECK(status_line(ask(server.port(), target)) == "HTTP/1.1 431 Request Header Fields Too Large");
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n");
  CHECK(status_line(client.read_until("}\n")) == "HTTP/1.1 413 Payload Too Large");
  const auto chunked = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" +
                       std::string(0x10001, 'x');
  CHECK(status_line(ask(server.port(), chunked)) == "HTTP/1.1 413 Payload Too Large");
}

TEST_CASE("pipelined requests are answered in their order") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  std::string all;
  for (int i = 0; i < 30; ++i) {
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi";
  }
  const auto text = ask(server.port(), all + "GET /last HTTP/1.1\r\n" + kClose);
  std::size_t at = 0;
  for (int i = 0; i < 30; ++i) {
    at = text.find("POST /" + std::to_string(i) + "? hi", at);
    REQUIRE(at != std::string::npos);
  }
  CHECK(text.find("GET /last?", at) != std::string::npos);
}

TEST_CASE("a client that asks before it sends its body is told to go on") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + kClose);
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  CHECK(client.read_to_end().find("POST /? hi") != std::string::npos);
}

TEST_CASE("an old client is served and its connection closed") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  const auto response = ask(server.port(), "GET /old HTTP/1.0\r\n\r\n");
  CHECK(response.find("GET /old?") != std::string::npos);
}

TEST_CASE("clients that drip are cut off, and delay nobody meanwhile") {
  HttpLimits limits;
  limits.header_time = 400ms;
  limits.body_time = 400ms;
  RunningServer server(limits);
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 16; ++i) {
    slow.push_back(std::make_unique<RawClient>(server.port()));
    slow.back()->send(i % 2 == 0 ? "GET / HTTP/1.1\r\nX: "
                                 : "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n");
  }
  RawClient silent(server.port());

  const auto asked = steady_clock::now();
  CHECK(ask(server.port(), "GET /quick HTTP/1.1\r\n" + kClose).find("GET /quick?") != std::string::npos);
  CHECK(steady_clock::now() - asked < 300ms);

  // Sending more does not buy more time.
  const auto until = steady_clock::now() + 5s;
  for (auto& client : slow) {
    while (!client->ends_within(5ms) && steady_clock::now() < until) client->send("T");
    CHECK(client->ended());
  }
  CHECK(silent.read_to_end().empty());
  CHECK(silent.ended());
}

TEST_CASE("a client that does not read its response is cut off, and delays nobody meanwhile") {
  HttpLimits limits;
  limits.write_time = 300ms;
  RunningServer server(limits);
  constexpr std::size_t kLarge = 32U << 20U;  // more than the sockets' buffers take
  server.serve(RunningServer::site("127.0.0.1:0", [](HttpRequest& request, HttpResponse& response) {
    response.body = std::string(request.path == "/large" ? kLarge : 2, 'x');
    return HttpHandler::Outcome::answered;
  }));
  RawClient client(server.port());
  client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.read_until("\r\n\r\n");
  CHECK(ask(server.port(), "GET /small HTTP/1.1\r\n" + kClose).find("\r\n\r\nxx") != std::string::npos);
  const auto until = steady_clock::now() + 5s;
  while (steady_clock::now() < until && client.send("x")) {
  }
  CHECK(client.read_to_end().size() < kLarge);
}

TEST_CASE("an idle connection is closed, at its time or for a newcomer") {
  HttpLimits limits;
  limits.connections_per_client = 3;
  limits.idle_time = 300ms;
  RunningServer server(limits);
  server.serve(RunningServer::site("127.0.0.1:0", echo));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(clients.back()->read_until("GET /x? ").find("200 OK") != std::string::npos);
  }
  for (auto& client : clients) {
    CHECK(client->read_to_end().empty());
    CHECK(client->ended());
  }
}
