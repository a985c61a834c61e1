#include "cli/control_commands.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <iostream>

#include "cli/api_client.hpp"
#include "cli/asking.hpp"
#include "cli/background.hpp"
#include "cli/loading.hpp"

namespace sipward::cli {
namespace {

namespace json = boost::json;

// The exit status, after what the server has to say was printed.
int finish(const std::optional<ApiAnswer>& answer, const std::string& problem) {
  if (!answer) return failed(problem);
  if (answer->status != 200) return refused(answer->status, answer->body);
  const auto said = object_in(answer->body);
  if (const auto* warnings = said.if_contains("warnings"); warnings && warnings->is_array())
    for (const auto& warning : warnings->as_array())
      if (const auto* w = warning.if_object()) std::cerr << "warning: " << text_of(*w, "message") << '\n';
  std::cout << text_of(said, "result") << '\n';
  return kFine;
}

int reload(const Arguments& arguments) {
  auto file = flag(arguments, "config");
  if (arguments.words.size() + (file.empty() ? 0 : 1) > 1)
    return usage_error("give one Sipfile, by --config or as the argument");
  if (!arguments.words.empty()) file = arguments.words.front();
  const auto address = address_of(arguments, file);
  ApiRequest request{"POST", "/load", {}, {}};
  if (arguments.has("force")) request.headers.emplace_back("Cache-Control", "must-revalidate");
  std::string problem;
  if (!file.empty()) {
    const auto about = ask_api(address, {"GET", "/", {}, {}}, problem);
    if (!about) return failed(problem);
    std::error_code differs;
    // The server's own file it reads itself: with its environment, and with what the file imports.
    if (!std::filesystem::equivalent(file, text_of(object_in(about->body), "sipfile"), differs) || differs) {
      Loaded loaded;
      if (const int status = load(arguments, loaded); status != kFine) return status;
      std::cerr << loaded.errors.to_string();
      if (!loaded.errors.ok()) return kFailed;
      request.body = json::serialize(config::to_json(loaded.sipfile));
      request.headers.emplace_back("Content-Type", "application/json");
    }
  }
  return finish(ask_api(address, request, problem), problem);
}

int stop(const Arguments& arguments) {
  if (!arguments.words.empty()) return usage_error("stop takes no argument");
  std::string problem;
  return finish(ask_api(address_of(arguments, {}), {"POST", "/stop", {}, {}}, problem), problem);
}

int start(const Arguments& arguments) {
  std::string problem;
  const auto path = choose_sipfile(arguments, problem);
  if (!path) return usage_error(problem);
  std::vector<std::string> words{"sipward", "run", "--config", path->string()};
  if (const auto pidfile = flag(arguments, "pidfile"); !pidfile.empty())
    words.insert(words.end(), {"--pidfile", pidfile});
  const auto child = start_in_background(words);
  if (child == 0) return failed("it did not start");
  std::cout << "serving; process " << child << '\n';
  return kFine;
}

}  // namespace

std::vector<Command> control_commands() {
  return {
      {"start",
       "run a Sipfile in the background",
       "sipward start [--config SIPFILE] [--pidfile FILE]\n\n"
       "Returns when every listener is open, or with what is wrong. What the server logs to standard error "
       "afterwards\nis lost; say `log { output file PATH }` in the Sipfile to keep it. 'sipward stop' ends "
       "it.\n\n"
       "Example:\n  sipward start --config /etc/sipward/Sipfile\n",
       {{"config", true}, {"pidfile", true}},
       start},
      {"stop",
       "stop the server that runs",
       "sipward stop [--address HOST:PORT]\n\n"
       "Asks the server by its management API to finish what is open and to end, as SIGTERM does. The "
       "address "
       "is that of\nthe global option `admin`, 127.0.0.1:2019 by default.\n\n"
       "Example:\n  sipward stop\n",
       {{"address", true}},
       stop},
      {"reload",
       "give the server that runs another configuration",
       "sipward reload [--config SIPFILE] [--address HOST:PORT] [--force]\n\n"
       "Without a Sipfile the server reads its own once more, as SIGHUP does; another one is read here and "
       "sent "
       "to it.\nNothing is lost: connections, bans and counters stay. When something is wrong the old "
       "configuration goes on and\nevery problem is printed. --force reloads also what says the same as "
       "before. The address is that of the global\noption `admin`, 127.0.0.1:2019 by default.\n\n"
       "Example:\n  sipward reload --config /etc/sipward/Sipfile\n",
       {{"config", true}, {"address", true}, {"force", false}},
       reload},
  };
}

}  // namespace sipward::cli
