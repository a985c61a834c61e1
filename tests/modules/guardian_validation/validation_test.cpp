#include "validation.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <utility>

using namespace sipward;
using namespace sipward::guardian::validation;

namespace {

std::string nul(std::string text) {
  for (char& c : text) {
    if (c == '~') c = '\0';
  }
  return text;
}

// In the parts ~ stands for an octet 0.
struct Parts {
  std::string_view start = "INVITE sip:100@pbx.example.com SIP/2.0";
  std::string_view via = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n";
  std::string_view from = "From: \"A\" <sip:a@example.com>;tag=1\r\n";
  std::string_view to = "To: <sip:100@pbx.example.com>\r\n";
  std::string_view call_id = "Call-ID: c@192.0.2.1\r\n";
  std::string_view cseq = "CSeq: 1 INVITE\r\n";
  std::string_view hops = "Max-Forwards: 70\r\n";
  std::string_view contact = "Contact: <sip:a@192.0.2.1:5060>\r\n";
  std::string_view rest = "Content-Length: 0\r\n";
  std::string_view body{};

  std::string text() const {
    std::string all;
    for (std::string_view part : {start, std::string_view("\r\n"), via, from, to, call_id, cseq, hops,
                                  contact, rest, std::string_view("\r\n"), body}) {
      all += part;
    }
    return nul(std::move(all));
  }
};

Outcome judge(const std::string& octets, const Options& options = {.mode = Mode::strict},
              sip::Framing framing = sip::Framing::datagram, const Context& context = {}) {
  sip::Message m;
  m.parse(octets, framing, options.limits);
  return validate(m, context, options);
}

Outcome judge(const Parts& parts, const Options& options = {.mode = Mode::strict}) {
  return judge(parts.text(), options);
}

const Options kStrict{.mode = Mode::strict};

}  // namespace

TEST_CASE("an ordinary message violates nothing in any mode") {
  for (Mode mode : {Mode::permissive, Mode::strict, Mode::paranoid}) {
    const Outcome o = judge(Parts{}, {.mode = mode});
    CHECK(o.action == Action::pass);
    CHECK(o.violated.empty());
    CHECK(o.score == 0);
  }
}

TEST_CASE("each rule fires with its severity") {
  const std::string long_subject = "Subject: " + std::string(9000, 'x') + "\r\nl: 0\r\n";
  const std::string long_call_id = "Call-ID: " + std::string(513, 'x') + "\r\n";
  std::string many_parameters = "To: <sip:a@b>";
  for (int i = 0; i < 65; ++i) many_parameters += ";p" + std::to_string(i);
  many_parameters += "\r\n";
  const auto hop = [](Parts p) { return judge(p, {.mode = Mode::strict, .forwarding = Forwarding::hop}); };
  const struct {
    Rule rule;
    Severity severity;
    Parts parts;
  } rows[] = {
      {Rule::null_bytes, Severity::critical, {.rest = "Subject: a~\r\nl: 0\r\n"}},
      {Rule::null_bytes, Severity::critical, {.rest = "c: application/sdp\r\nl: 3\r\n", .body = "v=~"}},
      {Rule::null_bytes, Severity::critical, {.rest = "c: application/pidf+xml;x\r\nl: 1\r\n", .body = "~"}},
      {Rule::binary_injection, Severity::critical, {.rest = "Subject: a\x01\r\nl: 0\r\n"}},
      {Rule::binary_injection, Severity::critical, {.start = "INVITE sip:1\xFF@b SIP/2.0"}},
      {Rule::binary_injection, Severity::critical, {.call_id = "Call-ID: c\xE9\r\n"}},
      {Rule::binary_injection, Severity::critical, {.from = "From: <sip:a\xE9@b>;tag=1\r\n"}},
      {Rule::binary_injection, Severity::critical, {.from = "From: <sip:a@b>;tag=\xE9\r\n"}},
      {Rule::invalid_utf8, Severity::info, {.from = "From: \"Ren\xE9\" <sip:a@b>;tag=1\r\n"}},
      {Rule::invalid_utf8,
       Severity::info,
       {.rest = "Subject: caf\xE9\r\nX-Any: \xE9\xE8\xE7\xE6\xE5\xE4\xE3\xE2\xE1\r\nl: 0\r\n"}},
      {Rule::bare_lf, Severity::high, {.rest = "Subject: a\nl: 0\r\n"}},
      {Rule::bare_cr, Severity::high, {.rest = "Subject: a\rb\r\nl: 0\r\n"}},
      {Rule::malformed_start_line, Severity::medium, {.start = "INVITE  sip:100@b SIP/2.0"}},
      {Rule::malformed_start_line, Severity::medium, {.start = "INVITE sip:100@b SIP/3.0"}},
      {Rule::malformed_header, Severity::high, {.rest = "No colon\r\nl: 0\r\n"}},
      {Rule::malformed_header, Severity::high, {.to = "To: \"x <sip:a@b>\r\n"}},
      {Rule::malformed_header, Severity::high, {.contact = "Contact: <sip:a@b>;;\r\n"}},
      {Rule::malformed_header, Severity::high, {.contact = "Contact: <sip:a@b>,,<sip:c@d>\r\n"}},
      {Rule::malformed_header, Severity::high, {.rest = "Route: <sip:a@b>,\r\nl: 0\r\n"}},
      {Rule::malformed_header, Severity::high, {.rest = "Authorization: Digest realm=\"x\r\nl: 0\r\n"}},
      {Rule::malformed_header, Severity::high, {.hops = "Max-Forwards: many\r\n"}},
      {Rule::malformed_header, Severity::medium, {.to = "To: < sip:a@b>\r\n"}},
      {Rule::malformed_header, Severity::medium, {.rest = "Subject: a\r\n \r\nl: 0\r\n"}},
      {Rule::missing_via, Severity::high, {.via = ""}},
      {Rule::missing_from, Severity::high, {.from = ""}},
      {Rule::missing_from, Severity::high, {.from = "From: \r\n"}},
      {Rule::missing_to, Severity::high, {.to = ""}},
      {Rule::missing_call_id, Severity::high, {.call_id = ""}},
      {Rule::missing_cseq, Severity::high, {.cseq = ""}},
      {Rule::missing_max_forwards, Severity::info, {.hops = ""}},
      {Rule::max_forwards_zero, Severity::medium, {.hops = "Max-Forwards: 0\r\n"}},
      {Rule::content_length_mismatch, Severity::high, {.rest = "l: 7\r\n"}},
      {Rule::content_length_mismatch, Severity::high, {.rest = "l: +0\r\n"}},
      {Rule::oversized_message, Severity::high, {.rest = long_subject}},
      {Rule::oversized_message, Severity::high, {.call_id = long_call_id}},
      {Rule::invalid_request_uri, Severity::medium, {.start = "INVITE <sip:100@b> SIP/2.0"}},
      {Rule::invalid_request_uri, Severity::medium, {.start = "INVITE sip:100@b?x=y SIP/2.0"}},
      {Rule::invalid_request_uri, Severity::medium, {.start = "INVITE SIP/2.0"}},
      {Rule::invalid_request_uri, Severity::medium, {.start = "INVITE http://b SIP/2.0"}},
      {Rule::via_invalid_branch, Severity::info, {.via = "Via: SIP/2.0/UDP a;branch=1\r\n"}},
      {Rule::via_invalid_branch, Severity::medium, {.via = "Via: SIP/2.0/UDP a;branch=z9hG4bK\r\n"}},
      {Rule::via_transport_mismatch, Severity::info, {.via = "Via: SIP/2.0/TCP a;branch=z9hG4bK1\r\n"}},
      {Rule::cseq_method_mismatch, Severity::high, {.cseq = "CSeq: 1 invite\r\n"}},
      {Rule::invalid_cseq, Severity::high, {.cseq = "CSeq: 2147483648 INVITE\r\n"}},
      {Rule::duplicate_header, Severity::high, {.to = "To: <sip:a@b>\r\nt: <sip:c@d>\r\n"}},
      {Rule::duplicate_header, Severity::high, {.from = "From: <sip:a@b>;tag=1, <sip:c@d>\r\n"}},
      {Rule::duplicate_header, Severity::high, {.rest = "Refer-To: <sip:a@b>\r\nr: <sip:a@b>\r\nl: 0\r\n"}},
      {Rule::duplicate_header, Severity::high, {.rest = "c: application/sdp, text/plain\r\nl: 0\r\n"}},
      {Rule::duplicate_header, Severity::info, {.rest = "Subject: a\r\ns: b\r\nl: 0\r\n"}},
      {Rule::duplicate_tag, Severity::high, {.from = "From: <sip:a@b>;tag=1;tag=1\r\n"}},
      {Rule::missing_from_tag, Severity::info, {.from = "From: <sip:a@b>\r\n"}},
      {Rule::malformed_contact, Severity::medium, {.contact = "Contact: sip:a@b?x=y\r\n"}},
      {Rule::malformed_contact, Severity::medium, {.contact = "Contact: *\r\n"}},
      {Rule::missing_contact, Severity::info, {.contact = ""}},
      {Rule::bad_display_name, Severity::medium, {.from = "From: Bell, A <sip:a@b>;tag=1\r\n"}},
      {Rule::bad_display_name, Severity::info, {.from = "From: Bell (A) <sip:a@b>;tag=1\r\n"}},
      {Rule::unsupported_proxy_require,
       Severity::medium,
       {.rest = "Proxy-Require: Privacy, foo\r\nl: 0\r\n"}},
      {Rule::escaped_control, Severity::medium, {.start = "INVITE sip:1%0D%0Ax@b SIP/2.0"}},
      {Rule::escaped_control, Severity::medium, {.contact = "Contact: <sip:1%0a@b>\r\n"}},
      {Rule::too_many_parameters, Severity::high, {.to = many_parameters}},
  };
  for (const auto& row : rows) {
    INFO(to_string(row.rule) << "\n" << row.parts.text().substr(0, 600));
    const Outcome o = hop(row.parts);
    CHECK(o.violated.has(row.rule));
    CHECK(to_string(o.reason) == to_string(row.rule));
    CHECK(static_cast<int>(o.severity) == static_cast<int>(row.severity));
    switch (row.severity) {
      case Severity::critical:
        CHECK(o.action == Action::ban);
        break;
      case Severity::high:
        CHECK((o.counts && o.action != Action::pass));
        break;
      case Severity::medium:
        CHECK((!o.counts && o.action == Action::reject));
        break;
      default:
        CHECK((!o.counts && o.action == Action::pass));
    }
  }
}

TEST_CASE("what real devices send is left alone in strict mode") {
  const Parts rows[] = {
      {.cseq = "CSeq: 0001  INVITE\r\n"},
      {.hops = "Max-Forwards: 300\r\n"},
      {.start = "INVITE tel:+1-201-555-0123 SIP/2.0"},
      {.start = "INVITE urn:service:sos SIP/2.0"},
      {.start = "INVITE SIPS:100@b SIP/2.0"},
      {.start = "INVITE sip:a%00@b SIP/2.0"},
      {.start = "REGISTER sip:user@b SIP/2.0",
       .cseq = "CSeq: 1 REGISTER\r\n",
       .contact = "Contact: *\r\n",
       .rest = "Expires: 0\r\nl: 0\r\n"},
      {.from = "From: \"J\xC3\xBCrgen\" <sip:a@b>;tag=1\r\n"},
      {.rest = "Supported:\r\nAllow: INVITE,\r\nl: 0\r\n", .body = "\r\n\r\n"},
      {.rest = "c: application/octet-stream\r\nl: 1\r\n", .body = "~"},
      {.rest = "c: text/plain\r\ne: gzip\r\nl: 1\r\n", .body = "~"},
      {.rest = "c: multipart/mixed;boundary=x\r\nl: 1\r\n", .body = "~"},
      {.rest = "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nl: 0\r\n"},
      {.rest = "Authorization: Digest realm=\"a\"\r\nAuthorization: Digest realm=\"b\"\r\nl: 0\r\n"},
      {.rest = "User-Agent: x (B\xFCro)\r\nl: 0\r\n"},
  };
  for (const Parts& row : rows) {
    INFO(row.text());
    const Outcome o = judge(row);
    CHECK(o.action == Action::pass);
    CHECK(o.severity <= Severity::info);
  }
}

TEST_CASE("limits of lists hold at their edge") {
  const auto with = [](int vias, int routes, int contacts) {
    std::string via(Parts{}.via), contact(Parts{}.contact), rest(Parts{}.rest);
    for (int i = 1; i < vias; ++i) via += "Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\n";
    for (int i = 0; i < routes; ++i) rest += "Route: <sip:r;lr>\r\n";
    for (int i = 1; i < contacts; ++i) contact += "Contact: <sip:c@d>\r\n";
    return judge(Parts{.via = via, .contact = contact, .rest = rest}).violated;
  };
  CHECK(with(70, 30, 20).empty());
  CHECK(with(71, 0, 1).has(Rule::too_many_vias));
  CHECK(with(1, 31, 1).has(Rule::too_many_routes));
  CHECK(with(1, 0, 21).has(Rule::too_many_contacts));
  std::string many(Parts{}.rest);
  for (int i = 0; i < 193; ++i) many += "X: y\r\n";
  CHECK(judge(Parts{.rest = many}).violated.has(Rule::too_many_headers));
}

TEST_CASE("max_message_size holds at its edge") {
  const Parts p;
  Options o = kStrict;
  o.limits.message = p.text().size();
  CHECK(judge(p, o).action == Action::pass);
  --o.limits.message;
  CHECK(judge(p, o).status == 513);
}

TEST_CASE("a disabled rule is silent, but not where framing needs it") {
  Options o = kStrict;
  for (Rule r : {Rule::bare_lf, Rule::content_length_mismatch, Rule::duplicate_header, Rule::null_bytes})
    o.disabled.add(r);
  CHECK(judge(Parts{.rest = "Subject: a\nl: 0\r\n"}, o).action == Action::pass);
  CHECK(judge(Parts{.rest = "Subject: a~\r\nl: 0\r\n"}, o).action == Action::pass);
  CHECK(judge(Parts{.rest = "l: 7\r\n"}, o).action == Action::reject);
  CHECK(judge(Parts{.rest = "l: 0\r\nl: 0\r\n"}, o).action == Action::reject);
}

TEST_CASE("critical findings ban only when they shall") {
  Options o = kStrict;
  o.ban_on_null_bytes = false;
  const Outcome blocked = judge(Parts{.rest = "Subject: ~\r\nl: 0\r\n"}, o);
  CHECK(blocked.action == Action::drop);
  CHECK(blocked.counts);
  CHECK(judge(Parts{.rest = "Subject: \x01\r\nl: 0\r\n"}, o).action == Action::ban);
}

TEST_CASE("permissive mode passes what can be passed and counts nothing") {
  const Options relay = {.mode = Mode::permissive};
  const Options hop = {.mode = Mode::permissive, .forwarding = Forwarding::hop};
  const Parts lf{.rest = "Subject: a\nl: 0\r\n"};
  CHECK(judge(lf, hop).normalise);
  CHECK(judge(lf, relay).action == Action::pass);
  CHECK(judge(lf.text(), relay, sip::Framing::stream).action == Action::reject);
  CHECK(judge(lf.text(), hop, sip::Framing::stream).action == Action::pass);
  const Parts headers{.start = "INVITE sip:a@b?x=y SIP/2.0"};
  CHECK(judge(headers, relay).action == Action::reject);
  CHECK((judge(headers, hop).action == Action::pass && judge(headers, hop).normalise));
  const Outcome lost = judge(Parts{.cseq = "CSeq: x\r\n"}, relay);
  CHECK((lost.action == Action::reject && !lost.counts));
}

TEST_CASE("a relay leaves 416, 420 and 483 to those behind it") {
  for (const Parts& p : {Parts{.start = "INVITE http://b SIP/2.0"}, Parts{.hops = "Max-Forwards: 0\r\n"},
                         Parts{.rest = "Proxy-Require: foo\r\nl: 0\r\n"}}) {
    CHECK(judge(p).action == Action::pass);
    CHECK(judge(p, {.mode = Mode::strict, .forwarding = Forwarding::hop}).action == Action::reject);
    CHECK(judge(p, {.mode = Mode::permissive}).action == Action::pass);
  }
}

TEST_CASE("responses and ACKs are never answered, and responses count against nobody") {
  Parts response{.start = "SIP/2.0 200 OK", .cseq = "CSeq: x\r\n"};
  const Outcome o = judge(response);
  CHECK((o.action == Action::drop && !o.counts));
  const Outcome ack = judge(Parts{.start = "ACK sip:a@b SIP/2.0", .cseq = "CSeq: 9999999999 ACK\r\n"});
  CHECK((ack.action == Action::drop && ack.counts));
}

TEST_CASE("what is no SIP is dropped, and banned only for a NUL in a SIP line") {
  CHECK(judge("GET / HTTP/1.1\r\n\r\n").action == Action::drop);
  CHECK(judge(nul("noise~noise~noise")).action == Action::drop);
  CHECK(judge(nul("OPT~IONS sip:a@b SIP/2.0\r\n\r\n")).action == Action::ban);
}

TEST_CASE("a 420 names the options that are not known") {
  const std::string text =
      Parts{.rest = "Proxy-Require: foo, PRIVACY\r\nProxy-Require: bar\r\nl: 0\r\n"}.text();
  sip::Message m;
  m.parse(text, sip::Framing::datagram);
  CHECK(unsupported_line(m, {}) == "Unsupported: foo, bar\r\n");
}

TEST_CASE("paranoid mode scores what phones do not do") {
  const Options o = {.mode = Mode::paranoid};
  const Parts odd{.start = "INVITE sip:100@b SIP/2.0",
                  .from = "From: <sip:100@b>;tag=1\r\n",
                  .to = "To: <sip:100@b>\r\n",
                  .contact = "Contact: <sip:1@0.0.0.0>\r\n"};
  const Outcome scored = judge(odd, o);
  CHECK(scored.score == 6);
  CHECK((scored.action == Action::drop && scored.counts && scored.reason == Rule::heuristics));
  CHECK(judge(odd.text(), o, sip::Framing::datagram, {.trusted = true}).action == Action::pass);
  CHECK(judge(odd).action == Action::pass);
  const Parts own{.contact = "Contact: <sip:1@203.0.113.5>\r\n"};
  CHECK(judge(own.text(), o, sip::Framing::datagram, {.own_host = "203.0.113.5"}).score == 3);
  CHECK(judge(Parts{.start = "INVITE sip:x'or%20'1'='1@b SIP/2.0", .contact = ""}, o).score == 4);
  CHECK(judge(Parts{.contact = "Contact: <sip:1@10.0.0.5>\r\n"}, o).score == 0);
}

TEST_CASE("rule names are the rules") {
  for (std::size_t i = 0; i < kRules; ++i) {
    Rule rule{};
    REQUIRE(parse_rule(kRuleNames[i], rule));
    CHECK(static_cast<std::size_t>(rule) == i);
  }
  Rule rule{};
  CHECK_FALSE(parse_rule("no_such_rule", rule));
}
