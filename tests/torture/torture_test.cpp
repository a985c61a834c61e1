#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <string>

#include "sipward/sip/datagram.hpp"
#include "sipward/sip/framer.hpp"
#include "sipward/sip/reply.hpp"
#include "table.hpp"
#include "validation.hpp"

namespace {

using namespace sipward;
using namespace sipward::guardian;
using namespace sipward::test;
using What = sip::Framer::What;

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

std::string rules_of(const validation::Outcome& o) {
  if (o.violated.empty()) return "-";
  std::string text(to_string(o.reason));
  o.violated.for_each([&](validation::Rule rule) {
    if (rule != o.reason) text.append(",").append(to_string(rule));
  });
  return text;
}

// What a framer makes of a stream that comes in two parts, as the table writes it: the sizes of messages,
// `ping` and `skip` between them (line ends that are skipped together are one), then an error, `wait` when
// octets are left over, or nothing.
std::string frame(std::string_view stream, std::size_t first_part) {
  sip::Framer framer;
  std::size_t taken = 0;
  std::size_t come = std::min(first_part, stream.size());
  std::string log;
  const auto add = [&log](const std::string& word) { log += (log.empty() ? "" : "; ") + word; };
  bool skipped = false;
  while (true) {
    const auto r = framer.next(stream.substr(taken, come - taken));
    if (r.what == What::need_more) {
      if (come < stream.size()) {
        come = stream.size();
        continue;
      }
      if (taken != stream.size()) add("wait");
      return log.empty() ? "-" : log;
    }
    if (r.what == What::error) {
      add(std::string(to_string(r.error)));
      return log + (r.can_reply ? " " + std::to_string(r.size) : "");
    }
    if (r.what == What::message) {
      add(std::to_string(r.size));
      sip::Message m;
      m.parse(stream.substr(taken, r.size), sip::Framing::stream);
      CHECK(m.framed());
      CHECK(m.octets().size() == r.size);
    } else if (r.what == What::ping) {
      add("ping");
    } else if (!skipped) {
      add("skip");
    }
    skipped = r.what == What::skip;
    taken += r.size;
  }
}

validation::Outcome judged(const TortureRow& row, const std::string& octets, validation::Mode mode) {
  sip::Message message;
  message.parse(octets, row.only_stream() ? sip::Framing::stream : sip::Framing::datagram);
  return judge(message, mode);
}

}  // namespace

TEST_CASE("every torture message is judged as its table says") {
  const auto table = torture_rows();
  REQUIRE(table.size() == 142);
  for (const TortureRow& row : table) {
    INFO(row.file);
    const std::string octets = read_torture(row.file);
    const sip::Datagram kind = sip::classify(octets);
    if (!row.only_stream() && kind != sip::Datagram::sip) {
      CHECK(row.strict == "ignore " + std::string(to_string(kind)));
      continue;
    }
    const auto strict = judged(row, octets, validation::Mode::strict);
    CHECK(describe(strict) == row.strict);
    CHECK(rules_of(strict) == row.rules);
    CHECK(describe(judged(row, octets, validation::Mode::permissive)) == row.permissive);
    CHECK(describe(judged(row, octets, validation::Mode::paranoid)) == row.paranoid);
  }
}

TEST_CASE("strict mode tells valid from invalid, but for the exceptions that the table explains") {
  for (const TortureRow& row : torture_rows()) {
    INFO(row.file);
    REQUIRE((row.wanted == "valid" || row.wanted == "invalid" || row.wanted == "either"));
    const bool differs = row.wanted != "either" && row.refused() != (row.wanted == "invalid");
    CHECK(differs == (row.because != "-"));
  }
}

TEST_CASE("a torture message that is rejected can be answered") {
  for (const TortureRow& row : torture_rows()) {
    if (row.strict.rfind("reject", 0) != 0) continue;
    INFO(row.file);
    const std::string octets = read_torture(row.file);
    sip::Message message;
    message.parse(octets, row.only_stream() ? sip::Framing::stream : sip::Framing::datagram);
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

TEST_CASE("a torture stream is cut in the same places wherever the reads split it") {
  for (const TortureRow& row : torture_rows()) {
    INFO(row.file);
    const std::string octets = read_torture(row.file);
    for (std::size_t split = 0; split <= octets.size(); ++split) {
      const std::string found = frame(octets, split);
      if (found == row.stream) continue;
      INFO("split at " << split);
      CHECK(found == row.stream);
      break;
    }
  }
}

TEST_CASE("a torture message that the parser calls framed ends where the framer cuts it") {
  for (const TortureRow& row : torture_rows()) {
    INFO(row.file);
    const std::string octets = read_torture(row.file);
    sip::Message message;
    message.parse(octets, sip::Framing::stream);
    if (!message.framed()) continue;
    const std::string size = std::to_string(message.octets().size());
    CHECK((row.stream.rfind(size, 0) == 0 || row.stream.find("; " + size) != std::string::npos));
  }
}

TEST_CASE("the parser's columns of the torture table, as they are found", "[.][print]") {
  for (const TortureRow& row : torture_rows()) {
    const std::string octets = read_torture(row.file);
    const bool sip = row.only_stream() || sip::classify(octets) == sip::Datagram::sip;
    std::cout << row.file << '\t'
              << (sip ? rules_of(judged(row, octets, validation::Mode::strict)) : std::string("-")) << '\t'
              << frame(octets, 0) << '\n';
  }
}
