#include "stand.hpp"

#include <catch2/catch.hpp>

#include "sipward/config.hpp"
#include "sipward/packet.hpp"
#include "sipward/testing/fake_host.hpp"

namespace sipward::respond {
std::string Text::str() const {
  std::string out = method + " " + uri + " SIP/2.0\r\n";
  out += "Via: SIP/2.0/UDP 198.51.100.7:5062;branch=" + branch + ";rport\r\n";
  out += "Max-Forwards: 70\r\n";
  out += "From: \"Caller\" <sip:200@192.0.2.1>;tag=" + from_tag + "\r\n";
  out += "To: " + to + (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\n";
  out += "Call-ID: " + call_id + "\r\n";
  out += "CSeq: " + std::to_string(cseq) + " " + method + "\r\n";
  out += extra;
  if (!body.empty() && extra.find("Content-Type") == std::string::npos)
    out += "Content-Type: application/sdp\r\n";
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

int status(std::string_view answer) {
  sip::Message message;
  message.parse(answer, sip::Framing::stream);
  return message.framed() ? static_cast<int>(message.status()) : 0;
}

std::string header(std::string_view answer, std::string_view name) {
  sip::Message message;
  message.parse(answer, sip::Framing::stream);
  for (const sip::Header& h : message.headers()) {
    if (sip::iequals(h.name, name)) return std::string(h.value);
  }
  return {};
}

std::string tag(std::string_view answer) {
  sip::Message message;
  message.parse(answer, sip::Framing::stream);
  return std::string(message.to().tag);
}

Stand::Stand(std::string_view sipfile, const Clock* other)
    : workers_(1, other ? *other : clock), worker(workers_.at(0)) {
  client.remote = *Endpoint::parse("198.51.100.7:5062");
  client.local = *Endpoint::parse("192.0.2.1:5060");

  config::Errors errors;
  const auto nodes = config::parse_text("Sipfile", std::string(sipfile), {}, errors);
  REQUIRE(nodes.size() == 1);
  responder_ = std::make_unique<Responder>(read_options(nodes[0], errors));
  responder_->validate(errors);
  INFO(errors.to_string());
  REQUIRE(errors.ok());

  test::FakeLogger log;
  test::FakeResolver resolver;
  Metrics metrics(1);
  ProtectedAddresses protected_addresses;
  HttpEndpoints endpoints;
  BuildScope scope;
  BuildContext context{
      services_, metrics, log, other ? *other : clock, workers_, resolver, protected_addresses,
      endpoints, scope,   {}};
  responder_->provision(context);
  workers_.run();
}

std::vector<std::string> Stand::send(const std::string& octets) {
  Packet packet(worker, Direction::inbound);
  packet.assign(client, octets);
  verdict = responder_->on_inbound(packet);
  return taken();
}

std::string Stand::answer(const Text& text) {
  const auto answers = send(text);
  INFO(text.str());
  REQUIRE(answers.size() == 1);
  return answers[0];
}

std::vector<std::string> Stand::after(Duration time) {
  clock.advance(time);
  services_.find<Exchange>("respond/1")->calls(worker).run(clock.now());
  return taken();
}

std::vector<std::string> Stand::taken() {
  std::vector<std::string> out;
  for (auto& one : worker.sent) out.push_back(std::move(one.octets));
  worker.sent.clear();
  return out;
}

std::size_t Stand::calls() {
  return services_.find<Exchange>("respond/1")->calls(worker).table.size();
}

}  // namespace sipward::respond
