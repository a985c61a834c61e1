#include "cli/guardian_commands.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

TEST_CASE("bans are shown as a table, and nothing in it can play with the terminal") {
  const auto bans = boost::json::parse(R"([
    {"ip":"192.0.2.7","scope":"address","reason":"scanner","source":"guardian","evidence":"proven",
     "expires_at":"2026-01-01T00:00:00Z","hits":12},
    {"ip":"198.51.100.1","scope":"flow","port":5062,"reason":"evil\u001b[2J","source":"admin","evidence":"trusted",
     "expires_at":"2026-01-01T00:00:00Z","hits":0},
    {"ip":"198.51.100.2","scope":"identity","user":"bob","reason":"x","source":"admin","evidence":"trusted",
     "expires_at":"2026-01-01T00:00:00Z"},
    7])");
  CHECK(sipward::cli::ban_table(bans.as_array()) ==
        "ADDRESS                 SCOPE     REASON    BY        EVIDENCE  UNTIL                 PACKETS\n"
        "192.0.2.7               address   scanner   guardian  proven    2026-01-01T00:00:00Z  12\n"
        "198.51.100.1 port 5062  flow      evil?[2J  admin     trusted   2026-01-01T00:00:00Z  0\n"
        "198.51.100.2 user bob   identity  x         admin     trusted   2026-01-01T00:00:00Z  \n");
}
