#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "server_fixture.hpp"
#include "sipward/config/errors.hpp"

using namespace sipward;
using namespace sipward::admin;
using namespace sipward::admin::test;
using namespace std::chrono_literals;
using config::ConfigError;
using Outcome = HttpHandler::Outcome;

namespace {

Call::Function says(std::string text) {
  return [text](HttpRequest&, HttpResponse& response) {
    response.body = text;
    return Outcome::answered;
  };
}

std::string get(Port port) {
  RawClient client(port);
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const auto text = client.read_to_end();
  const auto body = text.find("\r\n\r\n");
  return body == std::string::npos ? "(nothing)" : text.substr(body + 4);
}

// A port of 127.0.0.1 that somebody else holds.
class BusyPort {
 public:
  BusyPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(fd_, 1) == 0);
    socklen_t size = sizeof at;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ntohs(at.sin_port);
  }
  ~BusyPort() { ::close(fd_); }
  BusyPort(const BusyPort&) = delete;
  BusyPort& operator=(const BusyPort&) = delete;
  std::string listen() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_;
  Port port_ = 0;
};

bool can_connect(Port port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool done = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  ::close(fd);
  return done;
}

}  // namespace

TEST_CASE("a busy port is refused with its address, and what ran goes on") {
  const BusyPort busy;
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", says("old")));
  auto next = RunningServer::site("127.0.0.1:0", says("new"));
  next[0].listen.push_back(busy.listen());
  CHECK_THROWS_WITH(server.server().prepare(next),
                    Catch::Contains("cannot listen on " + busy.listen()) && Catch::Contains("in use"));
  CHECK(get(server.port()) == "old");
}

TEST_CASE("addresses that cannot be are refused") {
  RunningServer server;
  for (const char* listen :
       {"nonsense", "udp/:5060", "192.0.2.1:2020", "127.0.0.1:99999", "unix//run/x.sock"}) {
    CAPTURE(listen);
    CHECK_THROWS_AS(server.server().prepare(RunningServer::site(listen, echo)), ConfigError);
  }
  auto twice = RunningServer::site("127.0.0.1:0", echo);
  twice.push_back(std::move(RunningServer::site("127.0.0.1:0", echo)[0]));
  CHECK_THROWS_WITH(server.server().prepare(twice), Catch::Contains("two HTTP sites"));
}

TEST_CASE("an address without a host is reached by both families") {
  RunningServer server;
  server.serve(RunningServer::site(":0", says("here")));
  CHECK(get(server.port()) == "here");
  REQUIRE(server.server().addresses().size() == 1);
  CHECK(server.server().addresses()[0].address.is_unspecified());
}

TEST_CASE("sites that were published before the start are served after it") {
  KeepingLogger log;
  const SystemClock clock;
  SiteServer server(log, clock);
  auto sites = RunningServer::site("127.0.0.1:0", says("early"));
  server.prepare(sites);
  server.publish(std::make_shared<const std::vector<HttpSite>>(std::move(sites)));
  server.start();
  CHECK(get(server.addresses().at(0).port) == "early");
  server.stop(std::chrono::steady_clock::now() + 5s);
}

TEST_CASE("new sites answer at once on a connection that stays open") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", says("old")));
  const auto port = server.port();
  RawClient client(port);
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.read_until("old").find("200 OK") != std::string::npos);
  server.serve(RunningServer::site("127.0.0.1:0", says("new")));
  CHECK(server.port() == port);
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.read_until("new").find("200 OK") != std::string::npos);
}

TEST_CASE("an address that is no longer listed is closed with its idle connections") {
  RunningServer server;
  auto two = RunningServer::site("127.0.0.1:0", says("kept"));
  two.push_back(std::move(RunningServer::site("localhost:0", says("dropped"))[0]));
  server.serve(std::move(two));
  Port dropped = 0;
  for (const auto& address : server.server().addresses()) {
    if (address.address.is_v4() && address.port != server.port()) dropped = address.port;
  }
  REQUIRE(get(dropped) == "dropped");
  RawClient idle(dropped);
  idle.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  idle.read_until("dropped");
  server.serve(RunningServer::site("127.0.0.1:0", says("still")));
  CHECK_FALSE(can_connect(dropped));
  CHECK(idle.read_to_end().empty());
  CHECK(idle.ended());
  CHECK(get(server.port()) == "still");
}

TEST_CASE("an address changes between :PORT and HOST:PORT in one reload, and a stranger's is still refused") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", says("first")));
  const auto port = std::to_string(server.port());
  for (const auto* host : {"", "127.0.0.1", "localhost", ""}) {
    CAPTURE(host);
    const auto listen = std::string(host) + ":" + port;
    server.serve(RunningServer::site(listen, says("now " + listen)));
    CHECK(get(static_cast<Port>(std::stoi(port))) == "now " + listen);
  }
  RunningServer another;
  CHECK_THROWS_WITH(another.server().prepare(RunningServer::site("127.0.0.1:" + port, echo)),
                    Catch::Contains("in use"));
  CHECK_THROWS_WITH(another.server().prepare(RunningServer::site(":" + port, echo)),
                    Catch::Contains("in use"));
}

TEST_CASE("what was prepared and not published is closed by the next prepare") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", says("here")));
  Port free = 0;
  {
    const BusyPort busy;
    free = static_cast<Port>(std::stoi(busy.listen().substr(10)));
  }
  auto two = RunningServer::site("127.0.0.1:0", says("here"));
  two[0].listen.push_back("127.0.0.1:" + std::to_string(free));
  server.server().prepare(two);
  CHECK(can_connect(free));
  server.server().prepare({});
  CHECK_FALSE(can_connect(free));
  CHECK(get(server.port()) == "here");
}

TEST_CASE("publishing waits for the request that runs, and the old sites end with the caller") {
  RunningServer server;
  std::atomic<bool> running = false;
  std::atomic<bool> may_end = false;
  std::thread::id ended_on;
  struct Mark {
    std::thread::id* where;
    ~Mark() { *where = std::this_thread::get_id(); }
  };
  server.serve(RunningServer::site("127.0.0.1:0", [&, mark = std::make_shared<Mark>(Mark{&ended_on})](
                                                      HttpRequest&, HttpResponse& response) {
    running = true;
    running.notify_all();
    may_end.wait(false);
    response.body = "slow";
    return Outcome::answered;
  }));
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  running.wait(false);
  std::jthread release([&] {
    may_end = true;
    may_end.notify_all();
  });
  server.serve(RunningServer::site("127.0.0.1:0", says("new")));
  CHECK(ended_on == std::this_thread::get_id());
  CHECK(client.read_until("slow").find("200 OK") != std::string::npos);
}

TEST_CASE("sites are swapped under load without a lost or mixed answer") {
  RunningServer server;
  const auto odd_or_even = [&](int i) {
    return RunningServer::site("127.0.0.1:0", says(i % 2 ? "odd" : "even"));
  };
  server.serve(odd_or_even(0));
  const auto port = server.port();
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      while (!done) {
        const auto answer = get(port);
        if (answer != "odd" && answer != "even") ++wrong;
      }
    });
  }
  for (int i = 1; i < 200; ++i) server.serve(odd_or_even(i));
  done = true;
  clients.clear();
  CHECK(wrong == 0);
}

TEST_CASE("stopping accepts nothing more, lets a started request end and is over by the deadline") {
  RunningServer server;
  server.serve(RunningServer::site("127.0.0.1:0", says("last")));
  const auto port = server.port();
  RawClient begun(port);
  begun.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  begun.read_until("Continue\r\n\r\n");
  RawClient stuck(port);
  stuck.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  stuck.read_until("Continue\r\n\r\n");
  RawClient idle(port);
  idle.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  idle.read_until("last");
  const auto begin = std::chrono::steady_clock::now();
  std::jthread stopping([&] { server.server().stop(begin + 500ms); });
  CHECK(idle.read_to_end().empty());  // closed, so stopping has begun
  CHECK(idle.ended());
  begun.send("ok");
  const auto answer = begun.read_until("last");
  CHECK(answer.find("Connection: close") != std::string::npos);
  stopping.join();
  CHECK(std::chrono::steady_clock::now() - begin < 4s);
  CHECK(stuck.read_to_end().empty());
  CHECK(stuck.ended());
  CHECK_FALSE(can_connect(port));
}
