#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "switchboard.hpp"

using namespace sipward;
using namespace sipward::test;
namespace json = boost::json;

namespace {

struct Desk : Switchboard {
  Upstream pbx;

  Desk() {
    tune = [](proxy::PoolOptions& options) {
      options.upstreams.at(0).weight = 3;
      options.check = proxy::CheckOptions{};
    };
    forward({"udp/127.0.0.1:0"}, {"udp/pbx:5060", "udp/later:5060"});
    resolve("pbx", pbx.at);
  }
  HttpResponse ask(const std::string& method, const std::string& path) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    HttpResponse response;
    endpoints.run("management", request, response);
    return response;
  }
  json::array upstreams() { return json::parse(ask("GET", "/upstreams").body).at("upstreams").as_array(); }
};

}  // namespace

TEST_CASE("GET /upstreams tells how upstreams are and what goes on there") {
  Desk desk;
  Socket client(SOCK_DGRAM, loopback());
  const auto text = numbered("OPTIONS", "a");
  client.send_to(text.request(), desk.site.bound());
  CHECK(desk.pbx.receive() == text.request());
  const auto all = desk.upstreams();
  REQUIRE(all.size() == 2);
  const auto& one = all.at(0).as_object();
  CHECK(one.at("name") == "udp/pbx:5060");
  CHECK(json::value_to<std::string>(one.at("address")) == desk.pbx.at.to_string());
  CHECK(one.at("transport") == "udp");
  CHECK(one.at("healthy") == true);
  CHECK(one.at("check") == "");
  CHECK(one.at("weight") == 3);
  CHECK(one.at("requests") == 1);
  CHECK(one.at("active") == 1);
  CHECK(one.at("flows") == 0);
  CHECK(one.at("fails") == 0);
  CHECK(one.at("draining") == false);
  CHECK(all.at(1).at("name") == "udp/later:5060");
  CHECK(all.at(1).at("address").is_null());
  desk.pbx.answer(text, 200);
  CHECK(client.receive() == text.response(200, "pbx"));
  CHECK(desk.upstreams().at(0).at("active") == 0);
}

TEST_CASE("an upstream is drained and put back by address, transport and name") {
  Desk desk;
  const auto at = desk.pbx.at.to_string();
  for (const auto& which : {at, "udp%2F" + at, std::string("udp%2Fpbx:5060")}) {
    INFO(which);
    CHECK(desk.ask("POST", "/upstreams/" + which + "/drain").status == 200);
    CHECK(desk.upstreams().at(0).at("draining") == true);
    CHECK(desk.ask("POST", "/upstreams/" + which + "/enable").status == 200);
    CHECK(desk.upstreams().at(0).at("draining") == false);
  }
  CHECK(desk.ask("POST", "/upstreams/192.0.2.99:5060/drain").status == 404);
  CHECK(desk.ask("POST", "/upstreams/tcp%2F" + at + "/drain").status == 404);
  CHECK(desk.ask("GET", "/upstreams/" + at + "/drain").status == 405);
}
