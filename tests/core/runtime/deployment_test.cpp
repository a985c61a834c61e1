#include "runtime/deployment.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "harness.hpp"
#include "sipward/testing/sip_text.hpp"

using namespace sipward;
using namespace sipward::test;
using namespace std::chrono_literals;
using What = LoadResult::What;

namespace {

// Counts how often it was asked something, in this process; outlives reloads.
class Tally final : public Service {
 public:
  std::atomic<int> started = 0;
  void start() override { ++started; }
};

std::atomic<int> alive_handlers = 0;
std::atomic<std::thread::id> ended_on;

// `answer STATUS`: answers every request. `answer fail` can't be provisioned.
class Answer final : public Handler {
 public:
  explicit Answer(std::string word) : word_(std::move(word)) { ++alive_handlers; }
  ~Answer() override {
    --alive_handlers;
    ended_on = std::this_thread::get_id();
  }
  void provision(BuildContext& context) override {
    tally_ = context.services.find_or_make<Tally>("test/tally", [] { return std::make_shared<Tally>(); });
    if (word_ == "fail") throw config::ConfigError("Sipfile:1:1: it can't be had");
    if (word_ == "odd") throw 17;
  }
  Verdict on_inbound(Packet& packet) const override {
    packet.worker().reply(packet, std::stoi(word_), "Seen");
    return Verdict::consumed;
  }
  bool terminal() const override { return true; }

 private:
  std::string word_;
  std::shared_ptr<Tally> tally_;
};

// An HTTP server that only notes what it is asked for.
struct HttpNotes final : HttpServer {
  static inline std::vector<std::size_t> prepared;  // how many sites, each time
  static inline std::vector<std::size_t> published;
  void prepare(const std::vector<HttpSite>& sites) override { prepared.push_back(sites.size()); }
  void publish(std::shared_ptr<const std::vector<HttpSite>> sites) override {
    published.push_back(sites->size());
    kept = std::move(sites);
  }
  std::shared_ptr<const std::vector<HttpSite>> kept;
};

constexpr HandlerFactory kHandlers[] = {
    {"answer", [](const config::Node& node, CreateContext& context) -> std::unique_ptr<Handler> {
       std::string word;
       config::Reader r(node, context.errors);
       r.text("status", word, config::Place::argument);
       r.finish();
       return std::make_unique<Answer>(word);
     }}};
constexpr ServiceFactory kServices[] = {{"http_server/1", [](BuildContext&) -> std::shared_ptr<Service> {
                                           return std::make_shared<HttpNotes>();
                                         }}};
constexpr ModuleInfo kModule = make_module_info(SIPWARD_BUILD_ID, "test", "1", offer(kHandlers, kServices));

std::string sipfile_of(const std::string& answer, const std::string& more = {}) {
  return "{\nadmin off\ngrace_period 0s\n" + more + "}\nudp/127.0.0.1:0 tcp/127.0.0.1:0 {\nroute {\nanswer " +
         answer + "\n}\n}\n";
}

struct Stage {
  SystemClock clock;
  StderrLogger log{clock};
  ModuleHost modules;
  config::Environment environment;
  boost::asio::io_context control;
  std::unique_ptr<Deployment> deployment;
  Endpoint udp, tcp;

  explicit Stage(const std::string& text) {
    alive_handlers = 0;
    HttpNotes::prepared.clear();
    HttpNotes::published.clear();
    modules.add(kModule);
    config::Errors errors;
    const auto sipfile = config::load_text("Sipfile", text, environment, errors);
    auto tree = build_tree(sipfile, modules, errors);
    INFO(errors.to_string());
    REQUIRE(errors.ok());
    deployment = std::make_unique<Deployment>(Deployment::Setup{modules, environment, clock, log, control},
                                              sipfile.options,
                                              [](RouteTree&, const config::Sipfile&) { return false; });
    deployment->start(sipfile, std::move(tree));
    const auto bound = deployment->addresses();
    REQUIRE(bound.size() == 2);
    tcp = *Endpoint::parse(bound[0].substr(4));
    udp = *Endpoint::parse(bound[1].substr(4));
  }
  LoadResult load(const std::string& text, bool force = false) {
    config::Errors errors;
    const auto sipfile = config::load_text("Sipfile", text, environment, errors);
    return deployment->load(sipfile, errors, force);
  }
  std::string ask(Socket& client) const {
    client.send_to(SipText().request(), udp);
    const auto answer = client.receive();
    return answer.size() > 11 ? answer.substr(8, 3) : "nothing";
  }
  // Runs what is posted to the control thread until the condition holds.
  template <class Condition>
  bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      deployment->workers().barrier();
      control.restart();
      control.poll();
    }
    return true;
  }
};

}  // namespace

TEST_CASE("another configuration takes over, the same one is left alone unless it is forced") {
  Stage stage(sipfile_of("480"));
  Socket client(SOCK_DGRAM, loopback());
  CHECK(stage.ask(client) == "480");
  CHECK(stage.load(sipfile_of("486")).what == What::changed);
  CHECK(stage.ask(client) == "486");
  CHECK(stage.load("# a comment\n" + sipfile_of("486")).what == What::unchanged);
  CHECK(stage.load(sipfile_of("486"), true).what == What::changed);
  CHECK(stage.ask(client) == "486");
  CHECK(stage.deployment->running()->config.at("servers").at(0).at("routes").at(0).at("handle").at(0).at(
            "status") == "486");
}

TEST_CASE("whatever is wrong, the old configuration goes on untouched and all reasons are told") {
  const auto folder = std::filesystem::temp_directory_path() / ("sipward-log-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto log_to = [&](const char* name, const char* level) {
    return "log {\nlevel " + std::string(level) + "\noutput file " + (folder / name).string() + "\n}\n";
  };
  {
    Stage stage(sipfile_of("480", log_to("first", "WARN")) + ":80 {\n}\n");
    Socket client(SOCK_DGRAM, loopback()), holder(SOCK_DGRAM, loopback());
    const auto taken = std::to_string(holder.local().port);
    struct Case {
      std::string text;
      std::vector<std::string> reasons;
    };
    const auto other_log = log_to("second", "INFO");
    const Case cases[] = {
        {sipfile_of("486", other_log + "colour red\n") + "nonsense\n", {"'colour'", "'nonsense'"}},
        {sipfile_of("486", other_log) + "udp/:5 {\nroute {\nanswr 1\nansweer 2\n}\n}\n",
         {"'answr'", "'answeer'"}},
        {sipfile_of("fail", other_log), {"it can't be had"}},
        {sipfile_of("odd", other_log), {"threw"}},
        {sipfile_of("486", other_log) + "udp/127.0.0.1:" + taken + " {\nroute {\nanswer 486\n}\n}\n",
         {"can't listen on udp/127.0.0.1:" + taken}},
        {sipfile_of("486", log_to("no/such/folder", "INFO")), {"no/such/folder"}},
    };
    const auto before = stage.deployment->addresses();
    for (const auto& c : cases) {
      CAPTURE(c.text);
      HttpNotes::prepared.clear();
      HttpNotes::published.clear();
      const auto result = stage.load(c.text + ":81 {\n}\n:82 {\n}\n");
      CHECK(result.what == What::refused);
      for (const auto& reason : c.reasons) CHECK(result.why.find(reason) != std::string::npos);
      CHECK_FALSE(result.problems.empty());
      CHECK(stage.ask(client) == "480");
      CHECK(stage.deployment->addresses() == before);
      CHECK_FALSE(stage.log.enabled(LogLevel::info));
      CHECK_FALSE(std::filesystem::exists(folder / "second"));
      CHECK(HttpNotes::published.empty());
      if (!HttpNotes::prepared.empty()) CHECK(HttpNotes::prepared.back() == 0);  // closed again
      CHECK(alive_handlers == 1);
    }
    CHECK(stage.load(sipfile_of("480", log_to("first", "WARN")) + ":80 {\n}\n").what == What::unchanged);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a service lives on while one configuration after the other uses it") {
  Stage stage(sipfile_of("480"));
  for (int i = 0; i < 5; ++i) CHECK(stage.load(sipfile_of(std::to_string(481 + i))).what == What::changed);
  CHECK(stage.eventually([] { return alive_handlers == 1; }));
}

TEST_CASE("the old configuration ends on the control thread, when no worker is in the middle of it") {
  Stage stage(sipfile_of("480"));
  std::promise<void> may_go_on;
  auto gate = may_go_on.get_future().share();
  stage.deployment->workers().post(0, [gate](Worker&) { gate.wait(); });
  CHECK(stage.load(sipfile_of("486")).what == What::changed);
  stage.control.poll();
  CHECK(alive_handlers == 2);  // that worker has not been through its queue
  may_go_on.set_value();
  CHECK(stage.eventually([] { return alive_handlers == 1; }));
  CHECK(ended_on.load() == std::this_thread::get_id());
}

TEST_CASE("many reloads under traffic lose no datagram and no connection") {
  constexpr int kReloads = 300;
  Stage stage(sipfile_of("480"));
  std::atomic<bool> done = false;
  std::atomic<int> asked = 0, wrong = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 2; ++i)
    clients.emplace_back([&, i] {
      Socket socket(SOCK_DGRAM, loopback("127.0.0." + std::to_string(10 + i)));
      while (!done) {
        const auto answer = stage.ask(socket);
        if (answer != "480" && answer != "486") ++wrong;
        ++asked;
      }
    });
  clients.emplace_back([&] {
    Socket socket(SOCK_STREAM, loopback("127.0.0.20"));
    if (!socket.connect(stage.tcp)) ++wrong;
    while (!done) {
      socket.send(SipText().request());
      std::string head;
      while (head.find("\r\n\r\n") == std::string::npos) {
        const auto octet = socket.read(1);
        if (octet.empty()) break;
        head += octet;
      }
      if (!head.starts_with("SIP/2.0 48")) {
        ++wrong;
        return;
      }
      ++asked;
    }
  });
  for (int i = 0; i < kReloads; ++i) {
    const auto before = asked.load();
    CHECK(stage.load(sipfile_of(i % 2 ? "480" : "486")).what == What::changed);
    CHECK(stage.eventually([&] { return asked > before || wrong > 0; }));
  }
  done = true;
  clients.clear();
  CHECK(wrong == 0);
  CHECK(asked >= kReloads);
  CHECK(stage.eventually([] { return alive_handlers == 1; }));
}
