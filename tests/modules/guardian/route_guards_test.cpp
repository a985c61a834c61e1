#include <catch2/catch.hpp>

#include "sipward/testing/chain.hpp"

using namespace sipward;
using test::Chain;
using test::Fate;
using test::SipText;

namespace {

struct Caller {
  Chain& chain;
  unsigned sent = 0;

  SipText text(const std::string& method = "INVITE") {
    SipText t;
    t.method = method;
    t.branch = "z9hG4bKn" + std::to_string(++sent);
    t.call_id = "call-" + std::to_string(sent);
    return t;
  }
  bool passes(const std::string& method = "INVITE", const char* from = "192.0.2.10:5060") {
    return chain.from_client(text(method).request(), Chain::client(from)).fate == Fate::forwarded;
  }
};

}  // namespace

TEST_CASE("rate_limit drops what a source sends beyond its window, in silence") {
  Chain chain("rate_limit {\n window 1s\n max_requests 5\n}");
  Caller caller{chain};
  for (int i = 0; i < 5; ++i) CHECK(caller.passes());
  const auto sixth = chain.from_client(caller.text().request());
  CHECK(sixth.fate == Fate::dropped);
  CHECK(sixth.sent.empty());
  CHECK(caller.passes("INVITE", "192.0.2.11:5060"));
  CHECK_FALSE(caller.passes("INVITE", "192.0.2.10:5062"));  // a source is an address
  chain.advance(std::chrono::milliseconds(200));
  CHECK(caller.passes());
  CHECK_FALSE(caller.passes());
  chain.advance(std::chrono::seconds(1));
  for (int i = 0; i < 5; ++i) CHECK(caller.passes());
  CHECK(chain.metric("sip_rate_limit_total", "dropped") == 3);
}

TEST_CASE("rate_limit asks nothing for repeats, ACK, CANCEL, answers and emergency calls") {
  Chain chain("rate_limit 10s 1");
  Caller caller{chain};
  const auto invite = caller.text().request();
  CHECK(chain.from_client(invite).fate == Fate::forwarded);
  CHECK(chain.from_client(invite).fate == Fate::forwarded);
  CHECK(caller.passes("ACK"));
  CHECK(caller.passes("CANCEL"));
  auto emergency = caller.text();
  emergency.uri = "urn:service:sos";
  CHECK(chain.from_client(emergency.request()).fate == Fate::forwarded);
  CHECK(chain.from_client(caller.text().response(200)).fate == Fate::forwarded);
  CHECK_FALSE(caller.passes());
}

TEST_CASE("rate_limit may be about some methods, and two of them have buckets of their own") {
  Chain chain("rate_limit 10s 1 { methods MESSAGE }\nrate_limit 10s 2");
  Caller caller{chain};
  CHECK(caller.passes("MESSAGE"));
  CHECK_FALSE(caller.passes("MESSAGE"));
  CHECK(caller.passes("INVITE"));
  CHECK_FALSE(caller.passes("INVITE"));
}

TEST_CASE("sanity_check drops what breaks the rules, in silence, and counts the rule") {
  Chain chain("sanity_check");
  Caller caller{chain};
  CHECK(caller.passes());
  auto wrong = caller.text().request();
  wrong.replace(wrong.find("1 INVITE"), 8, "1 BYE");
  const auto dropped = chain.from_client(wrong);
  CHECK(dropped.fate == Fate::dropped);
  CHECK(dropped.sent.empty());
  CHECK(chain.metric("sip_sanity_check_dropped_total", "cseq_method_mismatch") == 1);
  CHECK(chain.metric("sip_sanity_check_passed_total") == 1);
  Chain lax("sanity_check { disabled_rules cseq_method_mismatch }");
  CHECK(lax.from_client(wrong).fate == Fate::forwarded);
}

TEST_CASE("sanity_check spares dialogs that it saw, and not a To tag alone") {
  Chain chain("sanity_check");
  Caller caller{chain};
  auto invite = caller.text();
  chain.from_client(invite.request());
  chain.from_upstream(invite.response(200));
  auto info = invite;
  info.method = "INFO";
  info.branch = "z9hG4bKinfo";
  info.to_tag = "pbxtag";
  auto wrong = info.request();
  wrong.replace(wrong.find("1 INFO"), 6, "1 BYE");
  CHECK(chain.from_client(wrong).fate == Fate::forwarded);
  wrong.replace(wrong.find("call-1"), 6, "call-x");
  CHECK(chain.from_client(wrong).fate == Fate::dropped);
}
