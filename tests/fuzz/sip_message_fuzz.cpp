#include <cstdint>
#include <string>

#include "check.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/sip/message.hpp"
#include "sipward/sip/reply.hpp"

using namespace sipward;
using namespace sipward::fuzz;

namespace {

void read_all(sip::Message& m, std::string_view input) {
  require(inside(m.octets(), input) && inside(m.body(), input) && inside(m.call_id(), input));
  require(inside(m.via().branch, input) && inside(m.via().value, input) && inside(m.via().received, input));
  require(inside(m.from().tag, input) && inside(m.from().uri, input) && inside(m.to().parameters, input));
  require(inside(m.cseq().method_name, input) && inside(m.uri().host, input));
  for (const sip::Header& h : m.headers()) {
    require(inside(h.line, input) && inside(h.value, h.line) && inside(h.name, h.line));
    sip::ListReader list(h.value);
    for (std::string_view one; list.next(one);) (void)sip::parse_name_addr(one);
    (void)sip::parse_auth(h.value);
  }
  (void)m.max_forwards();
  (void)m.expires();
}

std::string write(const sip::Message& m) {
  std::string text(m.start_line());
  text += "\r\n";
  for (const sip::Header& h : m.headers()) text.append(h.name).append(": ").append(h.value).append("\r\n");
  return text.append("\r\n").append(m.body());
}

// Writing what was read, and reading that, must give the same again.
void fixed_point(const sip::Message& m, sip::Framing framing) {
  if (!m.framed() || !m.defects().none()) return;
  const std::string once = write(m);
  sip::Message again;
  again.parse(once, framing);
  require(again.framed() && again.trailing() == 0);
  require(again.headers().size() == m.headers().size() && again.body() == m.body());
  require(write(again) == once);
}

// Message and Framer agree whether a message stands here, and where it ends.
void same_end(const sip::Message& m, std::string_view input) {
  sip::Framer framer;
  const std::string_view rest = input.substr(m.leading());
  const auto r = framer.next(rest);
  require(m.framed() == (r.what == sip::Framer::What::message));
  if (m.framed()) require(r.size == m.octets().size() && rest.data() == m.octets().data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  sip::Message m;
  for (const sip::Framing framing : {sip::Framing::datagram, sip::Framing::stream}) {
    m.parse(input, framing);
    read_all(m, input);
    fixed_point(m, framing);
  }
  same_end(m, input);
  std::string reply;
  if (sip::make_reply(m, 400, "Bad Request", "tag", Endpoint{}, "", reply)) {
    sip::Message parsed;
    parsed.parse(reply, sip::Framing::stream);
    require(parsed.framed() && parsed.status() == 400 && parsed.trailing() == 0);
  }
  return 0;
}
