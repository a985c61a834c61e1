#include <catch2/catch.hpp>

#include "routing/chain.hpp"

using namespace sipward;

namespace {

// Says what its letter says: y(es), n(o), m(ore until there are two octets, then yes), w (more, for ever),
// a (not for this address).
struct Letter final : Matcher {
  char letter;
  explicit Letter(char l) : letter(l) {}
  Match match(Packet&) const override { return Match::yes; }
  bool admits(const Source&) const override { return letter != 'a'; }
  Match match_start(const StreamStart& start) const override {
    if (letter == 'm') return start.octets.size() < 2 ? Match::need_more : Match::yes;
    return letter == 'n' ? Match::no : letter == 'w' ? Match::need_more : Match::yes;
  }
};

struct Some final : Handler {
  bool is_layer() const override { return true; }
};

// Routes are told apart by commas, sets (ORed) by |, the matchers of a set are its letters. A route that ends
// in S deals with SIP, in T it is layers alone, in L it deals with SIP and has a layer; others are byte
// routes.
struct Routes {
  RouteServer server;
  Some layer;
  explicit Routes(const std::string& text) {
    server.routes.emplace_back().sip = false;
    const auto set = [&] {
      server.sets.push_back(std::make_unique<MatcherSet>());
      server.routes.back().match.push_back(server.sets.back().get());
      return server.sets.back().get();
    };
    MatcherSet* current = nullptr;
    for (const char c : text) {
      auto& route = server.routes.back();
      if (c == ',') {
        server.routes.emplace_back().sip = false;
        current = nullptr;
      } else if (c == '|') {
        current = set();
      } else if (c == 'S' || c == 'L' || c == 'T') {
        route.sip = c != 'T';
        route.transit = c == 'T';
        if (c != 'S') route.layers.push_back({&layer, 8});
      } else {
        if (!current) current = set();
        current->push_back(std::make_unique<Letter>(c));
      }
    }
  }
};

}  // namespace

TEST_CASE("which route takes a stream, by its first octets") {
  struct Case {
    const char* routes;
    const char* octets;
    bool complete;
    Match match;
    std::size_t route;
  };
  constexpr auto yes = Match::yes, no = Match::no, more = Match::need_more;
  for (const auto& c : {
           Case{"y", "", false, yes, 0},
           Case{"n", "", false, no, 1},
           Case{"n,y", "", false, yes, 1},
           Case{"y,y", "", false, yes, 0},
           Case{",y", "", false, yes, 0},    // no matcher takes everything
           Case{"m,y", "", false, more, 0},  // the order counts: nobody overtakes
           Case{"m,y", "ab", false, yes, 0},
           Case{"m,y", "a", true, yes, 1},  // nothing more comes: it is no match
           Case{"w,w", "abc", true, no, 2},
           Case{"mn,y", "", false, yes, 1},  // ANDed: one no is enough
           Case{"ym,y", "", false, more, 0},
           Case{"n|y", "", false, yes, 0},  // ORed
           Case{"m|y,n", "", false, yes, 0},
           Case{"n|m,y", "", false, more, 0},
           Case{"a,y", "", false, yes, 1},  // not for that address, and so never asked
           Case{"a", "", false, no, 1},
           Case{"wS,wS", "", false, yes, 0},  // whoever takes the messages, the stream is treated alike
           Case{"a,wS", "", false, yes, 1},
           Case{"wS,wL", "", false, more, 0},  // one has a layer and the other has not
           Case{"wL,wL", "", false, yes, 0},
           Case{"wS,y", "", false, more, 0},
           Case{"wT,wS", "", false, more, 0},
       }) {
    CAPTURE(c.routes, c.octets, c.complete);
    Routes routes(c.routes);
    const StreamInfo info;
    const auto choice = choose_route(routes.server, 0, {info, c.octets, c.complete});
    CHECK(choice.match == c.match);
    CHECK(choice.route == c.route);
  }
}

TEST_CASE("behind a route that is layers alone the search goes on") {
  Routes routes("yT,n,y");
  const StreamInfo info;
  CHECK(choose_route(routes.server, 0, {info, ""}).route == 0);
  CHECK(choose_route(routes.server, 1, {info, ""}).route == 2);
}
