#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "server_fixture.hpp"

using namespace sipward;
using namespace sipward::admin;
using namespace sipward::admin::test;
using namespace std::chrono_literals;
using Outcome = HttpHandler::Outcome;
using Done = std::function<void(HttpResponse)>;

namespace {

HttpResponse says(const std::string& text) {
  HttpResponse response;
  response.body = text;
  return response;
}

// A site whose answers at /later are made by whoever takes `waiting`; others are made at once.
struct Site {
  std::mutex mutex;
  std::vector<Done> waiting;
  std::condition_variable changed;

  Call::Function handler() {
    return [this](HttpRequest& request, HttpResponse& response) {
      if (request.path != "/later") {
        response = says("at once");
        return Outcome::answered;
      }
      response.later = [this](Done done) {
        std::lock_guard lock(mutex);
        waiting.push_back(std::move(done));
        changed.notify_all();
      };
      return Outcome::answered;
    };
  }
  Done take() {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 10s, [&] { return !waiting.empty(); }));
    auto done = std::move(waiting.back());
    waiting.pop_back();
    return done;
  }
};

std::string request(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

}  // namespace

TEST_CASE("an answer that another thread makes keeps nobody else waiting, and the connection goes on") {
  Site site;
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", site.handler()));
  RawClient slow(server.port()), quick(server.port());
  slow.send(request("/later"));
  const auto done = site.take();
  quick.send(request("/"));
  CHECK(quick.read_until("at once").find("200 OK") != std::string::npos);
  done(says("in the end"));
  CHECK(slow.read_until("in the end").find("200 OK") != std::string::npos);
  slow.send(request("/"));
  CHECK(slow.read_until("at once").find("200 OK") != std::string::npos);
}

TEST_CASE("sites can be replaced while an answer is being made, and by whoever makes it") {
  Site old, fresh;
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", old.handler()));
  RawClient client(server.port());
  client.send(request("/later"));
  const auto done = old.take();
  server.serve(RunningServer::site("127.0.0.1:0", fresh.handler()));
  done(says("loaded"));
  CHECK(client.read_until("loaded").find("200 OK") != std::string::npos);
}

TEST_CASE("an answer that never comes is 504, and one that comes after it is nothing") {
  HttpLimits limits;
  limits.later_time = 1ms;
  Site site;
  RunningServer server(limits);
  server.serve(RunningServer::site("127.0.0.1:0", site.handler()));
  RawClient client(server.port());
  client.send(request("/later"));
  CHECK(client.read_until("}").find("504 Gateway") != std::string::npos);
  site.take()(says("too late"));
  client.send(request("/"));
  CHECK(client.read_until("at once").find("too late") == std::string::npos);
}

TEST_CASE("a client that goes away while its answer is made harms nobody") {
  Site site;
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", site.handler()));
  Done done;
  {
    RawClient client(server.port());
    client.send(request("/later"));
    done = site.take();
  }
  done(says("to nobody"));
  RawClient other(server.port());
  other.send(request("/"));
  CHECK(other.read_until("at once").find("200 OK") != std::string::npos);
}

TEST_CASE("each site has its own limit for bodies") {
  RunningServer server;
  auto sites = RunningServer::site("127.0.0.1:0", echo);
  sites[0].max_body = 100'000;
  server.serve(std::move(sites));
  const auto post = [&](std::size_t size) {
    RawClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
                std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
    const auto text = client.read_to_end();
    return text.substr(0, text.find('\r'));
  };
  CHECK(post(100'000) == "HTTP/1.1 200 OK");
  CHECK(post(100'001) == "HTTP/1.1 413 Payload Too Large");
}
