#include "server_fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace sipward::admin::test {
namespace {

constexpr std::chrono::milliseconds kPatience{10'000};

}  // namespace

RunningServer::RunningServer(const HttpLimits& limits) : server_(log_, clock_, limits) {
  server_.start();
}
RunningServer::~RunningServer() {
  server_.stop(std::chrono::steady_clock::now());
}

std::vector<HttpSite> RunningServer::site(const std::string& listen, Call::Function function) {
  std::vector<HttpSite> sites(1);
  sites[0].listen = {listen};
  sites[0].handlers.push_back(std::make_unique<Call>(std::move(function)));
  return sites;
}

void RunningServer::serve(std::vector<HttpSite> sites) {
  server_.prepare(sites);
  server_.publish(std::make_shared<const std::vector<HttpSite>>(std::move(sites)));
}

Port RunningServer::port() const {
  return server_.addresses().at(0).port;
}

HttpHandler::Outcome echo(HttpRequest& request, HttpResponse& response) {
  response.content_type = "text/plain";
  response.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
  return HttpHandler::Outcome::answered;
}

RawClient::RawClient(Port port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ended_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0;
}

RawClient::~RawClient() {
  ::close(fd_);
}

bool RawClient::send(std::string_view octets) {
  while (!octets.empty()) {
    const auto n = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool RawClient::fill(std::chrono::milliseconds patience) {
  pollfd wait{fd_, POLLIN, 0};
  if (::poll(&wait, 1, static_cast<int>(patience.count())) <= 0) return false;
  std::array<char, 4096> octets;
  const auto n = ::recv(fd_, octets.data(), octets.size(), 0);
  if (n <= 0) {
    ended_ = true;
    return false;
  }
  buffer_.append(octets.data(), static_cast<std::size_t>(n));
  return true;
}

std::string RawClient::read_until(std::string_view until) {
  for (;;) {
    if (const auto at = buffer_.find(until); at != std::string::npos) {
      auto text = buffer_.substr(0, at + until.size());
      buffer_.erase(0, at + until.size());
      return text;
    }
    if (!fill(kPatience)) return std::exchange(buffer_, {});
  }
}

bool RawClient::ends_within(std::chrono::milliseconds time) {
  if (!ended_) fill(time);
  return ended_;
}

std::string RawClient::read_to_end() {
  while (fill(kPatience)) {
  }
  return std::exchange(buffer_, {});
}

}  // namespace sipward::admin::test
