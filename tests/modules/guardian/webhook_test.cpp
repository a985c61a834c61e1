#include "webhook.hpp"

#include <catch2/catch.hpp>

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

WebhookOptions receiver(const char* url) {
  WebhookOptions options;
  options.url = *WebhookUrl::parse(url);
  return options;
}

TEST_CASE("a receiver with the same options is the same one, with others another") {
  test::FakeHost host;
  auto context = host.context();
  Events events(host.clock);
  const auto first = Webhook::find_or_make(context, "default", events, receiver("http://192.0.2.1/"), true);
  CHECK(Webhook::find_or_make(context, "default", events, receiver("http://192.0.2.1/"), true) == first);
  CHECK(Webhook::find_or_make(context, "other", events, receiver("http://192.0.2.1/"), true) != first);
  auto signing = receiver("http://192.0.2.1/");
  signing.secret = "s";
  CHECK(Webhook::find_or_make(context, "default", events, signing, true) != first);
}

TEST_CASE("authorities that can't be read are an error before anything runs") {
  test::FakeHost host;
  auto context = host.context();
  Events events(host.clock);
  auto options = receiver("https://192.0.2.1/");
  options.ca = "/nonexistent/ca.pem";
  CHECK_THROWS_AS(Webhook::find_or_make(context, "default", events, options, true), config::ConfigError);
}

TEST_CASE("the queue of a receiver that does not run is bounded, and what does not fit is counted") {
  test::FakeHost host;
  auto context = host.context();
  Events events(host.clock);
  auto options = receiver("http://192.0.2.1/");
  options.events = 1U << static_cast<unsigned>(EventKind::attack);
  const auto webhook = Webhook::find_or_make(context, "default", events, options, true);
  const auto publish = [&](EventKind kind) {
    auto event = std::make_unique<Event>();
    event->kind = kind;
    events.publish(std::move(event));
  };
  for (std::size_t i = 0; i < Webhook::kMaxQueue + 3; ++i) publish(EventKind::attack);
  publish(EventKind::ban);  // not asked for
  double dropped = -1;
  for (const auto& family : host.metrics.collect()) {
    if (family.name != "sip_guardian_webhooks_total") continue;
    for (const auto& sample : family.samples)
      if (sample.label_value == "dropped") dropped = sample.number;
  }
  CHECK(dropped == 3);
}

}  // namespace
}  // namespace sipward::guardian
