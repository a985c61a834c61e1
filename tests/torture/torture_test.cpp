#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sipward/sip/datagram.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/sip/reply.hpp"
#include "validation.hpp"

namespace {

using namespace sipward;
using namespace sipward::guardian;
using What = sip::Framer::What;

const std::string kFolder = std::string(SIPWARD_TEST_DIR) + "/data/torture/";

std::string read(const std::string& name) {
  std::ifstream file(kFolder + name, std::ios::binary);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Row {
  std::string file, strict, permissive, paranoid, rule;
  bool stream() const { return file.find("/tcp_") != std::string::npos; }
};

std::vector<Row> rows() {
  std::istringstream table(read("expected.tsv"));
  std::vector<Row> all;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream cells(line);
    Row row;
    for (std::string* cell : {&row.file, &row.strict, &row.permissive, &row.paranoid, &row.rule}) {
      std::getline(cells, *cell, '\t');
    }
    all.push_back(row);
  }
  return all;
}

std::string describe(const validation::Outcome& o) {
  std::string text;
  switch (o.action) {
    case validation::Action::pass:
      text = "pass";
      break;
    case validation::Action::reject:
      text = "reject " + std::to_string(o.status);
      break;
    case validation::Action::drop:
      text = "drop";
      break;
    case validation::Action::ban:
      text = "ban";
      break;
  }
  if (o.counts) text += " count";
  if (o.normalise) text += " normalise";
  return text;
}

validation::Outcome judge(sip::Message& message, validation::Mode mode) {
  validation::Options options;
  options.mode = mode;
  options.forwarding = validation::Forwarding::hop;
  return validation::validate(message, {}, options);
}

// What a framer made of a stream, as text, with every read of at most `step` octets.
std::string frame(const std::string& stream, std::size_t step) {
  sip::Framer framer;
  std::string buffered;
  std::string log;
  std::size_t fed = 0;
  while (true) {
    const auto r = framer.next(buffered);
    if (r.what == What::need_more) {
      if (fed == stream.size()) return log;
      buffered += stream.substr(fed, step);
      fed = std::min(stream.size(), fed + step);
      continue;
    }
    switch (r.what) {
      case What::message: {
        log += "message " + std::to_string(r.size);
        sip::Message m;
        m.parse(std::string_view(buffered).substr(0, r.size), sip::Framing::stream);
        CHECK(m.framed());
        CHECK(m.octets().size() == r.size);
        break;
      }
      case What::error:
        log += "error " + std::string(to_string(r.error));
        return log + (r.can_reply ? " " + std::to_string(r.size) : "");
      case What::ping:
        log += "ping";
        break;
      default:
        log += "skip";
    }
    log += "; ";
    buffered.erase(0, r.size);
  }
}

}  // namespace

TEST_CASE("every torture message is judged as its table says") {
  const auto table = rows();
  REQUIRE(table.size() == 142);
  for (const Row& row : table) {
    INFO(row.file);
    const std::string octets = read(row.file);
    const sip::Datagram kind = sip::classify(octets);
    if (!row.stream() && kind != sip::Datagram::sip) {
      CHECK(row.strict == "ignore " + std::string(to_string(kind)));
      continue;
    }
    sip::Message message;
    message.parse(octets, row.stream() ? sip::Framing::stream : sip::Framing::datagram);
    const auto strict = judge(message, validation::Mode::strict);
    CHECK(describe(strict) == row.strict);
    CHECK((strict.violated.empty() ? "-" : std::string(to_string(strict.reason))) == row.rule);
    CHECK(describe(judge(message, validation::Mode::permissive)) == row.permissive);
    CHECK(describe(judge(message, validation::Mode::paranoid)) == row.paranoid);
  }
}

TEST_CASE("a torture message that is rejected can be answered") {
  for (const Row& row : rows()) {
    if (row.strict.rfind("reject", 0) != 0) continue;
    INFO(row.file);
    const std::string octets = read(row.file);
    sip::Message message;
    message.parse(octets, row.stream() ? sip::Framing::stream : sip::Framing::datagram);
    std::string reply;
    REQUIRE(
        sip::make_reply(message, 400, "Bad Request", "t1", *Endpoint::parse("192.0.2.1:5060"), "", reply));
    sip::Message parsed;
    parsed.parse(reply, sip::Framing::datagram);
    CHECK(parsed.status() == 400);
    CHECK(parsed.framed());
    CHECK(parsed.call_id() == message.call_id());
  }
}

TEST_CASE("the end of a torture message does not depend on how the stream was cut") {
  for (const Row& row : rows()) {
    INFO(row.file);
    const std::string octets = read(row.file);
    const std::string whole = frame(octets, octets.size() + 1);
    CHECK(frame(octets, 1) == whole);
    CHECK(frame(octets, 7) == whole);
    sip::Message message;
    message.parse(octets, sip::Framing::stream);
    if (!message.framed()) continue;
    CHECK(whole.find("message " + std::to_string(message.octets().size())) != std::string::npos);
  }
}

TEST_CASE("a torture stream is cut where Content-Length says, or not at all") {
  CHECK(frame(read("dblreq.dat"), 1).find("message 300; skip; message ") == 0);
  CHECK(frame(read("clerr.dat"), 1).empty());
  CHECK(frame(read("ncl.dat"), 1).find("error content_length_syntax ") == 0);
  CHECK(frame(read("mcl01.dat"), 1).find("error content_length_duplicate ") == 0);
  CHECK(frame(read("extra/tcp_no_cl.dat"), 1).find("error content_length_missing ") == 0);
  CHECK(frame(read("extra/tcp_http.dat"), 1) == "error not_sip");
  CHECK(frame(read("extra/tcp_tls_hello.dat"), 1) == "error not_sip");
  CHECK(frame(read("extra/tcp_ping.dat"), 1) == "skip; ping; ");
  CHECK(frame(read("extra/tcp_partial.dat"), 1).empty());
}
