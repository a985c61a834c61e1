#include <catch2/catch.hpp>
#include <mutex>

#include "server_fixture.hpp"

using namespace sipward;
using namespace sipward::admin;
using namespace sipward::admin::test;
using namespace std::chrono_literals;
using Outcome = HttpHandler::Outcome;

namespace {

// Says what the test says, when it says so.
class Told final : public HttpStream {
 public:
  void begin(std::function<void()> ready) override {
    const std::lock_guard lock(mutex_);
    ready_ = std::move(ready);
    if (!waiting_.empty() || ended_) ready_();
  }
  bool take(std::string& out) override {
    const std::lock_guard lock(mutex_);
    out += std::exchange(waiting_, {});
    return !ended_;
  }
  std::string_view idle() const override { return "(idle)"; }

  void say(const std::string& text) {
    const std::lock_guard lock(mutex_);
    waiting_ += text;
    if (ready_) ready_();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (ready_) ready_();
  }

 private:
  std::mutex mutex_;
  std::string waiting_;
  std::function<void()> ready_;
  bool ended_ = false;
};

Call::Function streaming(const std::shared_ptr<Told>& told) {
  return [told](HttpRequest& request, HttpResponse& response) {
    if (request.path == "/stream") {
      response.content_type = "text/event-stream";
      response.stream = told;
    } else {
      response.body = "at once";
    }
    return Outcome::answered;
  };
}

std::string request(const std::string& path, const std::string& method = "GET") {
  return method + ' ' + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

}  // namespace

TEST_CASE("a stream is sent in chunks as it is made, and keeps nobody else waiting") {
  const auto told = std::make_shared<Told>();
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", streaming(told)));
  RawClient listener(server.port()), other(server.port());
  listener.send(request("/stream"));
  const auto head = listener.read_until("\r\n\r\n");
  CHECK(head.find("200 OK") != std::string::npos);
  CHECK(head.find("Transfer-Encoding: chunked") != std::string::npos);
  CHECK(head.find("Content-Length") == std::string::npos);
  told->say("one");
  CHECK(listener.read_until("one").ends_with("3\r\none"));
  other.send(request("/"));
  CHECK(other.read_until("at once").find("200 OK") != std::string::npos);
  told->say("sixteen letters!");
  CHECK(listener.read_until("letters!").ends_with("10\r\nsixteen letters!"));
  told->end();
  CHECK(listener.read_to_end().ends_with("0\r\n\r\n"));
}

TEST_CASE("a client of HTTP/1.0 gets the stream as it is, and HEAD its header only") {
  const auto told = std::make_shared<Told>();
  told->say("all of it");
  told->end();
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", streaming(told)));
  RawClient head(server.port());
  head.send("HEAD /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(head.read_to_end().ends_with("\r\n\r\n"));
  RawClient old(server.port());
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  CHECK(old.read_to_end().ends_with("\r\n\r\nall of it"));
}

TEST_CASE("a stream that has nothing to say says that it lives") {
  HttpLimits limits;
  limits.stream_idle = 1ms;
  RunningServer server(limits);
  server.serve(RunningServer::site("127.0.0.1:0", streaming(std::make_shared<Told>())));
  RawClient listener(server.port());
  listener.send(request("/stream"));
  CHECK(listener.read_until("(idle)").find("200 OK") != std::string::npos);
}

TEST_CASE("other sites and the end of the server end a stream in good order") {
  const auto told = std::make_shared<Told>();
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", streaming(told)));
  RawClient first(server.port());
  first.send(request("/stream"));
  first.read_until("\r\n\r\n");
  server.serve(RunningServer::site("127.0.0.1:0", streaming(told)));
  CHECK(first.read_to_end().ends_with("0\r\n\r\n"));
  RawClient second(server.port());
  second.send(request("/stream"));
  second.read_until("\r\n\r\n");
  server.server().stop(std::chrono::steady_clock::now() + 10s);
  CHECK(second.read_to_end().ends_with("0\r\n\r\n"));
  told->say("to nobody");
}

TEST_CASE("a client that does not read is cut off, and one that goes away is let go") {
  HttpLimits limits;
  limits.write_time = 50ms;
  const auto told = std::make_shared<Told>();
  RunningServer server(limits);
  server.serve(RunningServer::site("127.0.0.1:0", streaming(told)));
  RawClient lazy(server.port());
  lazy.send(request("/stream"));
  lazy.read_until("\r\n\r\n");
  told->say(std::string(64 << 20, 'x'));
  CHECK_FALSE(lazy.read_to_end().ends_with("0\r\n\r\n"));  // it reads too late, after the end

  const auto watched = std::make_shared<Told>();
  const std::weak_ptr<Told> held = watched;
  auto sites = RunningServer::site("127.0.0.1:0", [watched](HttpRequest&, HttpResponse& response) {
    response.stream = watched;
    return Outcome::answered;
  });
  server.serve(std::move(sites));
  {
    RawClient gone(server.port());
    gone.send(request("/"));
    gone.read_until("\r\n\r\n");
  }
  RawClient still(server.port());
  still.send(request("/"));
  CHECK(still.read_until("\r\n\r\n").find("200 OK") != std::string::npos);
}
