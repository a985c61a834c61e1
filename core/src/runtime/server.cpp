#include "runtime/server.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <fstream>
#include <utility>

namespace sipward {
namespace {

using What = LoadResult::What;

// Every UDP flow and every stream needs a descriptor or two.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (const auto& word : words) result += (result.empty() ? "" : " ") + word;
  return result;
}

// The process's number in a file, for as long as it serves.
class PidFile {
 public:
  explicit PidFile(std::filesystem::path path) : path_(std::move(path)) {
    if (path_.empty()) return;
    std::ofstream file(path_, std::ios::trunc);
    file << getpid() << '\n';
    file.close();
    if (!file) throw config::ConfigError("cannot write the pidfile " + path_.string());
  }
  ~PidFile() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
  }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::filesystem::path path_;
};

// The folders of modules that run stand in what the API shows, so they may come back in what it gets; naming
// others is refused when it is read. True when they were there, and were taken out.
bool take_out_running_folders(std::string& text, const Running& running) {
  boost::system::error_code error;
  auto document = boost::json::parse(text, error);
  auto* root = error ? nullptr : document.if_object();
  auto* global = root && root->contains("global") ? root->at("global").if_object() : nullptr;
  const auto* folders = global ? global->if_contains("modules_path") : nullptr;
  if (!folders || *folders != boost::json::value_from(running.modules_path)) return false;
  global->erase("modules_path");
  text = boost::json::serialize(document);
  return true;
}

}  // namespace

Server::Server(const Setup& setup, const config::Sipfile& first)
    : setup_(setup),
      signals_(control_, SIGHUP, SIGTERM, SIGINT),
      drain_timer_(control_),
      notifier_(setup_.environment),
      deployment_({setup_.modules, setup_.environment, setup_.clock, setup_.log, control_}, first.options,
                  [this](RouteTree& tree, const config::Sipfile& sipfile) {
                    return add_management_site(tree, sipfile, *this, setup_.log);
                  }),
      heartbeat_(control_, deployment_.workers()) {
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
}

Server::~Server() = default;

void Server::run(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> tree) {
  deployment_.start(sipfile, std::move(tree));  // nothing here keeps it alive: it must end before the workers
  const PidFile pidfile(setup_.pidfile);
  const auto serving = "serving " + joined(deployment_.addresses());
  setup_.log.info(
      "core", serving,
      {{"sipfile", setup_.sipfile.string()}, {"workers", std::to_string(deployment_.workers().count())}});
  notifier_.ready(serving);
  if (const auto patience = notifier_.watchdog())
    heartbeat_.start(*patience / 4, [this] { notifier_.alive(); });
  on_signal();
  const auto work = boost::asio::make_work_guard(control_);
  control_.run();
  heartbeat_.stop();
  deployment_.stop();
}

void Server::on_control(std::function<void()> task) {
  boost::asio::post(control_, std::move(task));
}

// Tells the log and the service manager what came of it.
LoadResult Server::tell(const std::function<LoadResult()>& load) {
  if (stopping_) return {What::refused, "the server is stopping", {}};
  notifier_.reloading(setup_.clock.now());
  auto result = load();
  const auto serving = "serving " + joined(deployment_.addresses());
  switch (result.what) {
    case What::changed:
      setup_.log.info("core", "reloaded; " + serving);
      break;
    case What::unchanged:
      setup_.log.info("core", "reload: the configuration says what runs already; nothing was touched");
      break;
    case What::refused:
      setup_.log.error("core", "reload refused; the old configuration goes on", {{"why", result.why}});
      break;
  }
  notifier_.ready(result.what == What::refused ? "reload refused: " + result.why : serving);
  return result;
}

LoadResult Server::reread(bool force) {
  return tell([&] {
    config::Errors errors;
    const auto sipfile = config::load_file(setup_.sipfile, setup_.environment, errors);
    return deployment_.load(sipfile, errors, force);
  });
}

LoadResult Server::load(const ConfigText& text, bool force) {
  return tell([&] {
    config::Errors errors;
    const auto sipfile = read(text, errors);
    return deployment_.load(sipfile, errors, force);
  });
}

LoadResult Server::adapt(const ConfigText& text, boost::json::object& config) {
  config::Errors errors;
  const auto sipfile = read(text, errors);
  const auto tree = build_tree(sipfile, setup_.modules, errors);
  if (!errors.ok()) return {What::refused, errors.to_string(), errors.to_json()};
  config = config::to_json(sipfile);
  return {What::changed, {}, errors.to_json()};
}

config::Sipfile Server::read(const ConfigText& given, config::Errors& errors) const {
  auto limited = setup_.environment;
  limited.import_files = false;
  const std::string name = "(by the API)";
  if (given.form == ConfigText::Form::sipfile) return config::load_text(name, given.text, limited, errors);
  const auto running = deployment_.running();
  auto text = given.text;
  const bool same_folders = take_out_running_folders(text, *running);
  auto sipfile = config::load_json(name, std::move(text), limited, errors);
  if (same_folders) {
    sipfile.options.modules_path = running->modules_path;
    sipfile.global.record->option("modules_path").value = boost::json::value_from(running->modules_path);
  }
  return sipfile;
}

void Server::on_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      if (!stopping_) reread(false);
    } else if (stopping_) {
      setup_.log.info("core", "stopping at once");
      control_.stop();
      return;
    } else {
      begin_stop();
    }
    on_signal();
  });
}

void Server::stop() {
  if (!stopping_) begin_stop();
}

void Server::begin_stop() {
  setup_.log.info("core", "stopping; a signal ends it at once");
  notifier_.stopping();
  stopping_ = true;
  drain_until_ = setup_.clock.now() + deployment_.grace_period();
  deployment_.drain();
  drain();
}

void Server::drain() {
  if (deployment_.open_streams() == 0 || setup_.clock.now() >= drain_until_) return control_.stop();
  drain_timer_.expires_after(std::chrono::milliseconds(50));
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) drain();
  });
}

}  // namespace sipward
