#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "sipward/config.hpp"

using namespace sipward;
using namespace sipward::config;

namespace {

// What loading says, one message a line, as LINE:COLUMN: message.
std::string problems(std::string text, const Environment& environment = {}) {
  Errors errors;
  load_json("a.json", std::move(text), environment, errors);
  std::string result;
  for (const auto& d : errors.sorted()) {
    if (d.position.line > 0)
      result += std::to_string(d.position.line) + ":" + std::to_string(d.position.column) + ": ";
    result += d.message + (d.suggestion.empty() ? "" : " (" + d.suggestion + "?)") + "\n";
  }
  return result;
}

std::string handler(const std::string& options) {
  return R"({"servers":[{"listen":["udp/:1"],"routes":[{"handle":[{"handler":"x")" + options + "}]}]}]}";
}

// Reads the one handler of handler() with `read` and returns what there was to say.
template <class Read>
std::string read_handler(const std::string& options, Read read) {
  Errors errors;
  const auto sipfile = load_json("a.json", handler(options), {}, errors);
  Reader r(sipfile.servers.at(0).routes.at(0).handlers.at(0), errors);
  read(r);
  r.finish();
  std::string result;
  for (const auto& d : errors.sorted()) result += d.message + "\n";
  return result;
}

}  // namespace

TEST_CASE("JSON gives the tree that a Sipfile of the same meaning gives") {
  Errors errors;
  const auto from_text =
      load_text("Sipfile",
                "{\nworkers 2\nadmin off\nlog { output file /l { roll_keep 3 } }\n}\n"
                "udp/:5060 tcp/:5060 {\nidle_timeout 10m\n@s sip { methods INVITE BYE }\n@l {\nremote_ip "
                "10.0.0.0/8\nnot a b\n}\n"
                "route @s @l { sip_guardian { max_failures 3; }\n }\n}\n",
                {}, errors);
  errors = {};
  const auto sipfile = load_json("a.json", R"({
    "global": {"workers": 2, "admin": "off", "log": {"output": {"to": "file", "path": "/l", "roll_keep": 3}}},
    "servers": [{
      "listen": ["udp/:5060", "tcp/:5060"],
      "idle_timeout": "10m",
      "matchers": {"s": [{"matcher": "sip", "methods": ["INVITE", "BYE"]}],
                   "l": [{"matcher": "remote_ip", "args": ["10.0.0.0/8"]}, {"matcher": "not", "args": ["a", "b"]}]},
      "routes": [{"match": ["s", "l"], "handle": [{"handler": "sip_guardian", "max_failures": 3}]}]
    }],
    "sites": [{"listen": [":2020"], "routes": [
      {"path": "/metrics", "handle": [{"handler": "metrics"}]},
      {"path": ["/a/*", "/b/*"], "strip_path": true, "handle": [
         {"handler": "handle", "path": ["/c"], "handle": [{"handler": "y"}, {"handler": "z"}, {"handler": "y"}]}]},
      {"handle": [{"handler": "bearer_auth", "token": ["t"]}]}
    ]}]})",
                                 {}, errors);
  INFO(errors.to_string());
  REQUIRE(errors.ok());
  CHECK(sipfile.options.workers == 2);
  CHECK_FALSE(sipfile.options.admin);
  CHECK(sipfile.options.log.file == "/l");
  CHECK(sipfile.options.log.roll_keep == 3);
  REQUIRE(sipfile.servers.size() == 1);
  const auto& server = sipfile.servers[0];
  CHECK(server.listen.size() == 2);
  CHECK(server.idle_timeout == std::chrono::minutes(10));
  REQUIRE(server.matchers.size() == 2);
  CHECK(server.matchers[0].matchers[0].children[0].name == "methods");
  CHECK(server.matchers[0].matchers[0].children[0].args.size() == 2);
  CHECK(server.matchers[1].matchers[1].args[1].text == "b");
  CHECK(server.routes[0].match == std::vector<std::string>{"s", "l"});
  CHECK(server.routes[0].handlers[0].position.to_string() == "a.json:8:63");
  const auto& site = sipfile.sites.at(0);
  REQUIRE(site.children.size() == 3);
  CHECK(site.children[0].name == "handle");
  CHECK(site.children[1].name == "handle_path");
  CHECK(site.children[1].args.size() == 2);
  CHECK(site.children[1].children[0].args[0].text == "/c");
  CHECK(site.children[1].children[0].children[2].name == "y");
  CHECK(site.children[2].name == "bearer_auth");

  // And what is printed of it loads to the same again.
  errors = {};
  const auto printed = boost::json::serialize(to_json(sipfile));
  CHECK(boost::json::serialize(to_json(load_json("b.json", printed, {}, errors))) == printed);
  CHECK(errors.ok());
}

TEST_CASE("an array of objects repeats an option, true is a bare word, and what is nested stays nested") {
  Errors errors;
  const auto sipfile = load_json(
      "a.json",
      handler(
          R"(,"upstream":[{"address":"a"},{}],"on":true,"off":false,"rest":[["a","b"],true,"c",{"args":["d"]}])"),
      {}, errors);
  REQUIRE(errors.ok());
  const auto& children = sipfile.servers.at(0).routes.at(0).handlers.at(0).children;
  REQUIRE(children.size() == 8);
  CHECK(children[0].children[0].name == "address");
  CHECK(children[1].has_block);
  CHECK(children[1].children.empty());
  CHECK(children[2].args.empty());
  CHECK(children[3].args[0].text == "false");
  CHECK(children[4].args.size() == 2);
  CHECK(children[5].args.empty());
  CHECK(children[6].args[0].text == "c");
  CHECK(children[7].args[0].text == "d");
}

TEST_CASE("a value of the wrong JSON type is an error even where its text would do") {
  const auto all = [](Reader& r) {
    unsigned number = 1;
    std::uint64_t size = 1;
    std::chrono::milliseconds duration{1};
    bool flag = false;
    std::vector<std::string> texts;
    r.number("number", number, 1U, 9U);
    r.size("size", size);
    r.duration("duration", duration, Place::option, std::chrono::milliseconds(0));
    r.flag("flag", flag);
    r.texts("texts", texts);
  };
  CHECK(read_handler(R"(,"number":3,"size":"64KiB","duration":"0","flag":true,"texts":["a","b"])", all)
            .empty());
  CHECK(read_handler(R"(,"number":"3")", all) == "number wants a number without quotes, not '3'\n");
  CHECK(read_handler(R"(,"size":65535)", all) == "size wants a string in quotes, not '65535'\n");
  CHECK(read_handler(R"(,"duration":0)", all) == "duration wants a string in quotes, not '0'\n");
  CHECK(read_handler(R"(,"flag":"on")", all) == "flag wants true or false without quotes, not 'on'\n");
  CHECK(read_handler(R"(,"texts":["a",1])", all) == "texts wants a string in quotes, not '1'\n");
  CHECK(read_handler(R"(,"number":3.5)", all) == "number wants a number from 1 to 9, not '3.5'\n");
  CHECK(read_handler(R"(,"number":[1,2])", all) == "number takes one value; '2' is too much\n");
  CHECK(read_handler(R"(,"texts":[])", all) == "texts wants at least one value\n");
  CHECK(read_handler(R"(,"numbre":1)", all) ==
        "unknown option 'numbre' in x; it knows duration, flag, number, size, texts\n");
}

TEST_CASE("errors in the shape of a document name their place, and all are reported") {
  CHECK(problems("[]") == "1:1: a configuration is an object, not an array\n");
  CHECK(problems(R"({"server":[],"globals":{}})") ==
        "1:2: unknown key 'server' in a configuration; it knows global, servers, sites (servers?)\n"
        "1:14: unknown key 'globals' in a configuration; it knows global, servers, sites (global?)\n");
  CHECK(problems(R"({"global":[],"servers":{},"sites":[1]})") ==
        "1:11: global is an object, not an array\n"
        "1:24: servers is an array, not an object\n"
        "1:36: a site is an object, not a number\n");
  CHECK(problems(R"({"servers":[{"listen":[]},{"listen":["udp/:1",2],"routs":[]},{"listen":true}]})") ==
        "1:13: a server wants listen, an array of addresses\n"
        "1:47: each value of listen is a string, not a number\n"
        "1:50: unknown key 'routs' in a server; it knows idle_timeout, listen, matchers, matching_timeout, "
        "routes "
        "(routes?)\n"
        "1:72: listen is an array, not true or false\n");
  CHECK(
      problems(
          R"({"servers":[{"listen":["udp/:1"],"routes":[{"match":["a"],"handle":[{"handle":1},7,{"handler":2}]}]}]})") ==
      "1:44: this route has no handler\n"
      "1:54: this server defines no matcher set '@a'\n"
      "1:69: the key 'handler' with the name of the directive is missing\n"
      "1:82: a handler is an object, not a number\n"
      "1:95: handler is a string, not a number\n");
  CHECK(problems(R"({"servers":[{"listen":["udp/:1"],"matchers":{"a":{},"b":[]},"routes":[{}]}]})") ==
        "1:46: '@a' has no matcher\n1:50: a set of matchers is an array, not an object\n1:53: '@b' has no "
        "matcher\n"
        "1:71: this route has no handler\n");
  CHECK(problems(handler(R"(,"a":null,"b":[[{}]],"args":[[]])")).find("null says nothing; leave 'a' out\n") !=
        std::string::npos);
  CHECK(problems(handler(R"(,"b":[[{}]])"))
            .find("each value of a list is a string, a number, true or false, not an object\n") !=
        std::string::npos);
  CHECK(problems(handler(R"(,"args":[[]])"))
            .find("each value of args is a string, a number, true or false, not an array\n") !=
        std::string::npos);
  CHECK(
      problems(
          R"({"sites":[{"listen":[":1"],"routes":[{},{"strip_path":true,"handle":[]},{"path":"/","strip_path":1,"handle":[{"handler":"import"}]}]}]})") ==
      "1:38: a route of a site wants handle, an array of handlers\n"
      "1:42: strip_path wants a path\n"
      "1:98: strip_path is true or false, not a number\n"
      "1:121: JSON imports nothing; 'import' is for Sipfiles\n");
  CHECK(problems(R"({"sites":[{"listen":[""]},{"listen":""}]})") ==
        "1:22: a value of listen is empty\n1:37: a value of listen is empty\n");
  CHECK(problems(R"({"sites":[{"listen":["udp/:1"]}],"servers":[{"listen":[":1"]}]})") ==
        "1:22: 'udp/:1' is no address of a site, such as :2020\n"
        "1:56: ':1' is no address of a layer-4 server, such as udp/:5060\n");
}

TEST_CASE("a text that is no JSON is refused at the place where it stops being JSON") {
  const auto text = GENERATE(table<std::string, std::string>({
      {"", "1:1: a value is missing at the end of the document\n"},
      {" \n\t", "2:2: a value is missing at the end of the document\n"},
      {"{} {}", "1:4: the document ends before this; only one value may stand in it\n"},
      {"{\n  \"a\": yes}", "2:8: 'yes' is no JSON value; a text stands in double quotes\n"},
      {"{\"a\":}", "1:6: a value is missing here\n"},
      {"{\"a\" 1}", "1:6: ':' is missing behind the key\n"},
      {"{\"a\":1 \"b\":2}", "1:8: ',' or '}' is missing here\n"},
      {"{\"a\":1,}", "1:8: a key in double quotes is missing here\n"},
      {"{a:1}", "1:2: a key in double quotes is missing here\n"},
      {"{\"ü\":1,\"ü\":2}", "1:8: key 'ü' is given twice\n"},
      {"[1 2]", "1:4: ',' or ']' is missing here\n"},
      {"[1,]", "1:4: a value is missing here\n"},
      {"[01]", "1:3: a number does not begin with 0\n"},
      {"[-]", "1:3: a digit is missing here\n"},
      {"[1.]", "1:4: a digit is missing here\n"},
      {"[1e+]", "1:5: a digit is missing here\n"},
      {"[\"a", "1:2: the string opened here is never closed\n"},
      {"[\"a\\", "1:5: the string ends in the middle of an escape\n"},
      {"[\"\\x\"]", "1:3: JSON knows no such escape\n"},
      {"[\"\\u12g4\"]", "1:3: \\u wants four hexadecimal digits\n"},
      {"[\"\\ud800x\"]", "1:3: this escape is half a character\n"},
      {"[\"\\ud800\\u0041\"]", "1:3: this escape is half a character\n"},
      {"[\"\\udc00\"]", "1:3: this escape is half a character\n"},
      {"[\"\\u0000\"]", "1:3: a text cannot hold the character \\u0000\n"},
      {"[\"a\nb\"]", "1:4: a control character in a string is written with a backslash, such as \\n\n"},
      {"[\"\xff\"]", "the document is not UTF-8 text\n"},
  }));
  CHECK(problems(std::get<0>(text)) == std::get<1>(text));
}

TEST_CASE("escapes of JSON become the characters they stand for") {
  Errors errors;
  const auto sipfile =
      load_json("a.json", handler(R"(,"a":"\"\\\/\b\f\n\r\t\u00e4\u20ac\ud83d\ude00A")"), {}, errors);
  REQUIRE(errors.ok());
  CHECK(sipfile.servers.at(0).routes.at(0).handlers.at(0).children.at(0).args.at(0).text ==
        "\"\\/\b\f\n\r\t\u00e4\u20ac\U0001F600A");
}

TEST_CASE("a JSON document is bounded in size, depth and the number of its values") {
  CHECK(problems(std::string((4U << 20) + 1, ' ')) == "the document is larger than 4MiB\n");
  CHECK(problems(std::string(1000, '[')) == "1:66: arrays and objects are nested deeper than 64\n");
  std::string many = "[1";
  for (int i = 0; i < 100'000; ++i) many += ",1";
  CHECK(problems(many + "]").find("the document has more than 100000 values") != std::string::npos);
}

TEST_CASE("what comes by the API may name no folder of modules, in JSON or in a Sipfile") {
  Environment environment;
  environment.import_files = false;
  CHECK(problems(R"({"global":{"modules_path":["/tmp"]}})").empty());
  CHECK(problems(R"({"global":{"modules_path":["/tmp"]}})", environment) ==
        "1:12: modules_path is fixed when the process starts; what comes by the API cannot name one\n");
  Errors errors;
  load_text("Sipfile", "{\nmodules_path /tmp\n}\n", environment, errors);
  CHECK(errors.to_string().find("Sipfile:2:1: modules_path is fixed") != std::string::npos);
}
