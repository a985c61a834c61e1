#include <catch2/catch.hpp>

#include "shop.hpp"
#include "sipward/byte_stream.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;

using Words = std::vector<std::string>;

namespace {

// Streams that begin with this word.
struct Begins final : Matcher {
  std::string word;
  explicit Begins(std::string w) : word(std::move(w)) {}
  bool needs_sip() const override { return false; }
  Match match(Packet&) const override { return Match::yes; }
  Match match_start(const StreamStart& start) const override {
    const auto n = std::min(word.size(), start.octets.size());
    if (start.octets.substr(0, n) != word.substr(0, n)) return Match::no;
    return n == word.size() ? Match::yes : Match::need_more;
  }
};
struct Hungry final : Matcher {
  Match match(Packet&) const override { return Match::yes; }
  Match match_start(const StreamStart&) const override { return Match::need_more; }
};

// A line stands before what belongs to those above: "as ADDRESS" names the client, anything else is a fault.
class LineStream final : public ByteStream {
 public:
  LineStream(std::unique_ptr<ByteStream> below, StreamInfo& info) : below_(std::move(below)), info_(info) {}
  Result handshake() override {
    for (;;) {
      char c = 0;
      const auto result = below_->read({&c, 1});
      if (result.status != Status::ok) return result;
      if (c != '\n') {
        line_ += c;
        continue;
      }
      if (!line_.starts_with("as ")) {
        Result fault;
        fault.status = Status::error;
        fault.fault = "no_line";
        return fault;
      }
      info_.source.remote.address = *Address::parse(line_.substr(3));
      return {};
    }
  }
  Result read(std::span<char> into) override { return below_->read(into); }
  Result write(std::string_view octets) override { return below_->write(octets); }
  void wait(Wait what, Ready ready) override { below_->wait(what, std::move(ready)); }
  void shutdown() override { below_->shutdown(); }
  void close() override { below_->close(); }
  std::unique_ptr<ByteStream> unwrap() override { return unwraps ? std::move(below_) : nullptr; }

  bool unwraps = true;

 private:
  std::unique_ptr<ByteStream> below_;
  StreamInfo& info_;
  std::string line_;
};

struct Line final : Handler {
  bool unwraps = true, refuses = false;
  bool is_layer() const override { return true; }
  std::unique_ptr<ByteStream> wrap(Worker&, std::unique_ptr<ByteStream> below,
                                   StreamInfo& info) const override {
    if (refuses) return nullptr;
    auto stream = std::make_unique<LineStream>(std::move(below), info);
    stream->unwraps = unwraps;
    return stream;
  }
};

// Gives back what it gets, until the end.
struct Mirror final : Handler {
  struct Stream : std::enable_shared_from_this<Stream> {
    std::unique_ptr<ByteStream> octets;
    void go_on() {
      char buffer[64];
      for (;;) {
        const auto result = octets->read(buffer);
        if (result.status == ByteStream::Status::ok) {
          octets->write({buffer, result.octets});
          continue;
        }
        if (result.status != ByteStream::Status::want_read) return octets.reset();
        return octets->wait(ByteStream::Wait::read, [self = shared_from_this()](const auto& error) {
          error ? self->octets.reset() : self->go_on();
        });
      }
    }
  };
  bool needs_sip() const override { return false; }
  bool terminal() const override { return true; }
  void on_stream(Worker&, std::unique_ptr<ByteStream> octets, const StreamInfo&) const override {
    auto stream = std::make_shared<Stream>();
    stream->octets = std::move(octets);
    stream->go_on();
  }
};

struct Routes {
  std::shared_ptr<RouteTree> tree = tree_of({"tcp/127.0.0.1:0"}, std::vector<std::unique_ptr<Handler>>());
  RouteServer& server = *tree->servers[0];
  Routes() { server.routes.clear(); }
  Route& add(std::unique_ptr<Matcher> matcher, bool sip) {
    auto& route = server.routes.emplace_back();
    route.id = static_cast<RouteId>(server.routes.size());
    route.sip = sip;
    if (matcher) {
      server.sets.push_back(std::make_unique<MatcherSet>());
      server.sets.back()->push_back(std::move(matcher));
      route.match.push_back(server.sets.back().get());
    }
    return route;
  }
  static void layer(Route& route, std::unique_ptr<Line> line, LayerId id = LayerId{1} << 32) {
    route.layers.push_back({line.get(), id});
    route.handlers.push_back(std::move(line));
  }
  std::shared_ptr<RouteTree> done() {
    server.prepare();
    return tree;
  }
};

struct Open {
  Site site;
  explicit Open(Routes& routes, std::size_t workers = 1) : site(workers) { site.serve(routes.done()); }
  Socket connect(const char* from = "127.0.0.1") {
    Socket socket(SOCK_STREAM, loopback(from));
    socket.connect(site.bound());
    return socket;
  }
  bool ends(StreamEnd why) {
    return site.eventually(
        [&] { return site.counters.connections_ended.sum(static_cast<std::size_t>(why)) == 1; });
  }
};

std::unique_ptr<Script> naming(Journal& journal) {
  auto script = std::make_unique<Script>();
  script->inbound = [&journal](Packet& p) {
    journal.note(p.peer().remote.address.to_string());
    p.worker().reply(p, 200, "OK");
    return Verdict::consumed;
  };
  script->fault = [&journal](const Source& source, std::string_view word) {
    journal.note(source.remote.address.to_string() + " " + std::string(word));
  };
  return script;
}

}  // namespace

TEST_CASE("first octets tell the route, and none of them is lost") {
  Routes routes;
  routes.add(std::make_unique<Begins>("ECHO"), false).handlers.push_back(std::make_unique<Mirror>());
  routes.add(nullptr, true).handlers.push_back(answering());
  Open open(routes);
  auto mirrored = open.connect();
  for (const char c : std::string("ECHO one ")) {
    mirrored.send({&c, 1});
    open.site.settle();
  }
  mirrored.send("two");
  CHECK(mirrored.read(12) == "ECHO one two");
  auto sip = open.connect();
  sip.send(SipText().request());
  CHECK(sip.read(11) == "SIP/2.0 200");
  mirrored.close();
  CHECK(open.ends(StreamEnd::closed_by_peer));
}

TEST_CASE("a stream that no route takes, or none in time, is closed") {
  Routes routes;
  routes.server.matching_timeout = 60ms;
  routes.add(std::make_unique<Begins>("ECHO"), false).handlers.push_back(std::make_unique<Mirror>());
  Open open(routes);
  auto other = open.connect();
  other.send("ECX");
  CHECK(other.read_all().empty());
  CHECK(open.ends(StreamEnd::unmatched));
  auto slow = open.connect();
  slow.send("ECH");
  CHECK(slow.read_all().empty());
  CHECK(open.ends(StreamEnd::matching_timeout));
  auto gone = open.connect();
  gone.finish_sending();
  CHECK(gone.read_all().empty());
  CHECK(open.ends(StreamEnd::closed_by_peer));
}

TEST_CASE("no more than 16 KiB are read to find a route") {
  Routes routes;
  routes.server.matching_timeout = 60s;
  routes.add(std::make_unique<Hungry>(), false).handlers.push_back(std::make_unique<Mirror>());
  Open open(routes);
  auto client = open.connect();
  client.send(std::string(StreamEntry::kMostOctets - 1, 'x'));
  open.site.settle();
  CHECK(open.site.counters.connections_ended.total() == 0);
  client.send("x");
  CHECK(open.ends(StreamEnd::unmatched));
}

TEST_CASE("a layer names the client, who is admitted under that name") {
  for (const bool unwraps : {true, false}) {
    for (const std::size_t workers : {1U, 3U}) {
      CAPTURE(unwraps, workers);
      Journal journal;
      auto script = naming(journal);
      script->admit = [](Worker&, const Source& source) {
        return source.remote.address == *Address::parse("198.51.100.66") ? Verdict::drop : Verdict::next;
      };
      Routes routes;
      auto& route = routes.add(nullptr, true);
      route.handlers.push_back(std::move(script));
      auto line = std::make_unique<Line>();
      line->unwraps = unwraps;
      Routes::layer(route, std::move(line));
      Open open(routes, workers);
      Words expected;
      for (const std::string address : {"198.51.100.7", "198.51.100.8", "198.51.100.9", "2001:db8::1"}) {
        auto client = open.connect();
        client.send("as " + address + "\n" + SipText().request());
        CHECK(client.read(11) == "SIP/2.0 200");
        expected.push_back(address);
      }
      CHECK(journal.words() == expected);
      auto refused = open.connect();
      refused.send("as 198.51.100.66\n" + SipText().request());
      CHECK(refused.read_all().empty());
    }
  }
}

TEST_CASE("a layer that can't go on ends the stream, and its word is told") {
  Journal journal;
  Routes routes;
  auto& route = routes.add(nullptr, true);
  route.handlers.push_back(naming(journal));
  Routes::layer(route, std::make_unique<Line>());
  Open open(routes);
  auto client = open.connect();
  client.send("nonsense\n");
  CHECK(client.read_all().empty());
  CHECK(open.ends(StreamEnd::layer));
  CHECK(journal.wait(1) == Words{"127.0.0.1 no_line"});
}

TEST_CASE("a layer may refuse a stream") {
  Routes routes;
  auto& route = routes.add(nullptr, true);
  route.handlers.push_back(answering());
  auto line = std::make_unique<Line>();
  line->refuses = true;
  Routes::layer(route, std::move(line));
  Open open(routes);
  CHECK(open.connect().read_all().empty());
  CHECK(open.ends(StreamEnd::refused));
}

TEST_CASE("behind a route that is layers alone the octets that it let through are matched") {
  Routes routes;
  auto& transit = routes.add(std::make_unique<Begins>("as "), true);
  Routes::layer(transit, std::make_unique<Line>());
  transit.transit = true;
  Journal journal;
  routes.add(std::make_unique<Begins>("ECHO"), false).handlers.push_back(std::make_unique<Mirror>());
  routes.add(nullptr, true).handlers.push_back(naming(journal));
  Open open(routes);
  auto mirrored = open.connect();
  mirrored.send("as 192.0.2.1\nECHO me");
  CHECK(mirrored.read(7) == "ECHO me");
  auto named = open.connect();
  named.send("as 192.0.2.1\n" + SipText().request());
  CHECK(named.read(11) == "SIP/2.0 200");
  auto plain = open.connect();
  plain.send(SipText().request());
  CHECK(plain.read(11) == "SIP/2.0 200");
  CHECK(journal.words() == Words{"192.0.2.1", "127.0.0.1"});
}

TEST_CASE("messages take only routes by whose layers they came, and a reload keeps them on theirs") {
  Journal journal;
  const auto named = [&](const std::string& name) {
    auto script = std::make_unique<Script>();
    script->inbound = [&journal, name](Packet& p) {
      journal.note(name);
      p.worker().reply(p, 200, "OK");
      return Verdict::consumed;
    };
    return script;
  };
  const auto tree = [&](const std::string& name, LayerId id) {
    Routes routes;
    auto& transit = routes.add(std::make_unique<Begins>("as "), true);
    transit.handlers.push_back(named(name + " by line"));
    Routes::layer(transit, std::make_unique<Line>(), id);
    routes.add(nullptr, true).handlers.push_back(named(name));
    return routes.done();
  };
  Site site;
  site.serve(tree("old", LayerId{1} << 32));
  const auto connect = [&] {
    Socket socket(SOCK_STREAM, loopback());
    socket.connect(site.bound());
    return socket;
  };
  auto line = connect(), plain = connect();
  line.send("as 192.0.2.1\n" + SipText().request());
  plain.send(SipText().request());
  for (auto* client : {&line, &plain}) REQUIRE(client->read(11) == "SIP/2.0 200");
  site.serve(tree("new", (LayerId{1} << 32) + 4));  // the layer says something else now
  SipText next;
  next.call_id = "next";
  next.branch += "next";
  line.send(next.request());
  plain.send(next.request());
  CHECK(journal.wait(4).size() == 4);
  auto words = journal.words();
  std::sort(words.begin(), words.end());
  CHECK(words == Words{"new", "new by line", "old", "old by line"});
}
