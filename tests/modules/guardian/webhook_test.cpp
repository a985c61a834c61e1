#include "webhook.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "sipward/testing/fake_host.hpp"
#include "webhook_http.hpp"

namespace sipward::guardian {
namespace {

TEST_CASE("an URL of a receiver is taken apart") {
  const auto url = WebhookUrl::parse("https://hooks.example.com/a/b?c=d");
  REQUIRE(url);
  CHECK(url->tls);
  CHECK(url->host == "hooks.example.com");
  CHECK(url->port == 443);
  CHECK(url->target == "/a/b?c=d");
  CHECK(url->authority() == "hooks.example.com");
  CHECK(WebhookUrl::parse("http://192.0.2.1")->target == "/");
  CHECK(WebhookUrl::parse("http://192.0.2.1?x")->target == "/?x");
  CHECK(WebhookUrl::parse("http://[2001:db8::1]:8080/")->authority() == "[2001:db8::1]:8080");
  CHECK(WebhookUrl::parse("http://[2001:db8::1]:8080/")->host == "2001:db8::1");
  CHECK(WebhookUrl::parse("http://a:8080/")->port == 8080);
}

TEST_CASE("what is no URL of a receiver is none") {
  for (const char* text :
       {"", "hooks.example.com", "ftp://example.com/", "http://", "http:///x",
        "https://user:secret@example.com/", "http://example.com:0/", "http://example.com:65536/",
        "http://example.com:x/", "http://exa mple/", "http://example.com/a b", "http://example.com/#x",
        "http://example.com/\r\nHost: other", "http://[::1/", "http://[::1]x/", "http://example.com:/"}) {
    INFO(text);
    CHECK_FALSE(WebhookUrl::parse(text));
  }
  CHECK_FALSE(WebhookUrl::parse("http://example.com/" + std::string(3'000, 'x')));
}

TEST_CASE("the signature is the HMAC-SHA256 of the body") {  // RFC 4231, test case 2
  CHECK(signature("Jefe", "what do ya want for nothing?") ==
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

WebhookOptions receiver_of(const std::string& url) {
  WebhookOptions options;
  options.url = *WebhookUrl::parse(url);
  return options;
}

double outcome(const test::FakeHost& host, std::string_view result) {
  for (const auto& family : host.metrics.collect()) {
    if (family.name != "sip_guardian_webhooks_total") continue;
    for (const auto& sample : family.samples)
      if (sample.label_value == result) return sample.number;
  }
  return -1;
}

TEST_CASE("a receiver with the same options is the same one, with others another") {
  test::FakeHost host;
  auto context = host.context();
  Events events(host.clock);
  const auto first =
      Webhook::find_or_make(context, "default", events, receiver_of("http://192.0.2.1/"), true);
  CHECK(Webhook::find_or_make(context, "default", events, receiver_of("http://192.0.2.1/"), true) == first);
  CHECK(Webhook::find_or_make(context, "other", events, receiver_of("http://192.0.2.1/"), true) != first);
  auto signing = receiver_of("http://192.0.2.1/");
  signing.secret = "s";
  CHECK(Webhook::find_or_make(context, "default", events, signing, true) != first);
}

TEST_CASE("authorities that can't be read are an error before anything runs") {
  test::FakeHost host;
  auto context = host.context();
  Events events(host.clock);
  auto options = receiver_of("https://192.0.2.1/");
  options.ca = "/nonexistent/ca.pem";
  CHECK_THROWS_AS(Webhook::find_or_make(context, "default", events, options, true), config::ConfigError);
}

TEST_CASE("the queue of a receiver that does not run is bounded, and what does not fit is counted") {
  test::FakeHost host;
  auto context = host.context();
  Events events(host.clock);
  auto options = receiver_of("http://192.0.2.1/");
  options.events = 1U << static_cast<unsigned>(EventKind::attack);
  const auto webhook = Webhook::find_or_make(context, "default", events, options, true);
  const auto publish = [&](EventKind kind) {
    auto event = std::make_unique<Event>();
    event->kind = kind;
    events.publish(std::move(event));
  };
  for (std::size_t i = 0; i < Webhook::kMaxQueue + 3; ++i) publish(EventKind::attack);
  publish(EventKind::ban);  // not asked for
  CHECK(outcome(host, "dropped") == 3);
}

// A receiver on 127.0.0.1 that gives one answer after the other, as octets, and keeps what it got.
class Answering {
 public:
  explicit Answering(std::vector<std::string> answers) : answers_(std::move(answers)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Answering() { thread_.join(); }
  Endpoint endpoint() const { return {*Address::parse("127.0.0.1"), acceptor_.local_endpoint().port()}; }
  std::string url() const { return "http://receiver.test:" + std::to_string(endpoint().port) + "/hook"; }
  std::vector<std::string> wait() {  // for every answer to be given
    std::unique_lock lock(mutex_);
    REQUIRE(
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return got_.size() == answers_.size(); }));
    return got_;
  }

 private:
  void run() {
    for (const auto& answer : answers_) {
      tcp::socket client(io_);
      acceptor_.accept(client);
      std::string text;
      boost::system::error_code ec;
      while (text.find("\r\n\r\n{") == std::string::npos || !text.ends_with("}}")) {
        std::array<char, 4096> some;
        const auto n = client.read_some(boost::asio::buffer(some), ec);
        if (ec) break;
        text.append(some.data(), n);
      }
      boost::asio::write(client, boost::asio::buffer(answer), ec);
      const std::lock_guard lock(mutex_);
      got_.push_back(text);
      changed_.notify_all();
    }
  }
  using tcp = boost::asio::ip::tcp;
  boost::asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  const std::vector<std::string> answers_;
  std::vector<std::string> got_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
};

TEST_CASE("an event is sent until it is taken, whatever the receiver answers at first") {
  Answering receiver({"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n",
                      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
                      "HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"});
  test::FakeHost host;
  auto context = host.context();
  Events events(host.clock);
  auto options = receiver_of(receiver.url());
  const auto webhook = Webhook::find_or_make(context, "default", events, options, true);
  REQUIRE(host.resolver.watched.size() == 1);
  CHECK(host.resolver.watched[0].first == "receiver.test");
  host.resolver.watched[0].second({receiver.endpoint()});
  for (const char* reason : {"first", "second", "third"}) {
    auto event = std::make_unique<Event>();
    event->kind = EventKind::attack;
    event->reason = reason;
    events.publish(std::move(event));
  }
  webhook->start();
  const auto got = receiver.wait();
  for (std::size_t i = 0; i < 3; ++i) CHECK(got[i].find("\"reason\":\"first\"") != std::string::npos);
  CHECK(got[3].find("\"reason\":\"second\"") != std::string::npos);
  CHECK(got[4].find("\"reason\":\"third\"") != std::string::npos);
  CHECK(got[0].starts_with("POST /hook HTTP/1.1\r\nHost: receiver.test:"));
  webhook->stop(host.clock.now());
  CHECK(outcome(host, "sent") == 2);
  CHECK(outcome(host, "retried") == 2);
  CHECK(outcome(host, "failed") == 1);
  REQUIRE(host.log.lines().size() == 1);
  CHECK(host.log.lines()[0].find("why=it answered 404") != std::string::npos);
}

TEST_CASE("a receiver that never answers does not hold up the end") {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor silent(io, {boost::asio::ip::address_v4::loopback(), 0});
  test::FakeHost host;
  auto context = host.context();
  Events events(host.clock);
  auto options = receiver_of("http://127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + "/");
  options.timeout = std::chrono::hours(1);
  auto webhook = Webhook::find_or_make(context, "default", events, options, true);
  host.resolver.watched[0].second({{*Address::parse("127.0.0.1"), silent.local_endpoint().port()}});
  webhook->start();
  events.publish(std::make_unique<Event>());
  webhook.reset();
  events.publish(std::make_unique<Event>());
}

}  // namespace
}  // namespace sipward::guardian
