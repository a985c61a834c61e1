#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "sipward/config.hpp"

using namespace sipward;
using namespace sipward::config;

TEST_CASE("the canonical JSON has the contract's shape") {
  Errors errors;
  const auto sipfile =
      load_text("Sipfile",
                "{\nworkers 2\ngrace_period 90s\n}\n"
                "udp/:5060 tcp/:5060 {\n"
                "@sip sip { methods INVITE BYE }\n"
                "@lan remote_ip 192.0.2.0/24\n"
                "idle_timeout 600s\n"
                "route @sip @lan {\nsip_guardian main { max_failures 3 }\nproxy udp/pbx:5060\n}\n"
                "route { close }\n}\n"
                ":2020 {\nhandle /metrics { metrics }\nhandle_path /a/* { respond 404 }\n"
                "bearer_auth x\nhandle { a {\nb\nb 1\n} }\n}\n",
                {}, errors);
  INFO(errors.to_string());
  REQUIRE(errors.ok());
  // What sip_guardian has read is printed by its record, everything else as written.
  std::string name;
  unsigned max_failures = 5;
  Reader r(sipfile.servers[0].routes[0].handlers[0], errors);
  r.text("name", name, Place::argument);
  r.number("max_failures", max_failures, 1, 100);
  r.finish();
  CHECK(
      boost::json::serialize(to_json(sipfile)) ==
      R"({"global":{"workers":2,"grace_period":"1m30s"},)"
      R"("servers":[{"listen":["udp/:5060","tcp/:5060"],"idle_timeout":"10m",)"
      R"("matchers":{"sip":[{"matcher":"sip","methods":["INVITE","BYE"]}],)"
      R"("lan":[{"matcher":"remote_ip","args":["192.0.2.0/24"]}]},)"
      R"("routes":[{"match":["sip","lan"],"handle":[{"handler":"sip_guardian","name":"main","max_failures":3},)"
      R"({"handler":"proxy","args":["udp/pbx:5060"]}]},{"handle":[{"handler":"close"}]}]}],)"
      R"("sites":[{"listen":[":2020"],"routes":[{"path":"/metrics","handle":[{"handler":"metrics"}]},)"
      R"({"path":"/a/*","strip_path":true,"handle":[{"handler":"respond","args":["404"]}]},)"
      R"({"handle":[{"handler":"bearer_auth","args":["x"]}]},)"
      R"({"path":"*","handle":[{"handler":"a","b":[true,"1"]}]}]}]})");
}
