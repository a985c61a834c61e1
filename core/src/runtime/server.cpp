#include "runtime/server.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <csignal>
#include <thread>

#include "runtime/system_addresses.hpp"

namespace sipward {
namespace {

std::size_t worker_count(const config::GlobalOptions& options) {
  if (options.workers != 0) return options.workers;
  const auto cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : cores;
}

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

}  // namespace

Server::Server(const Setup& setup, const config::Sipfile& first)
    : setup_(setup),
      signals_(control_, SIGHUP, SIGTERM, SIGINT),
      drain_timer_(control_),
      metrics_(worker_count(first.options)),
      resolver_(control_, setup.log),
      workers_(worker_count(first.options), setup.clock, setup.log, metrics_, tree_),
      listeners_(workers_, setup.log) {
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  system_addresses_ = protected_.add("a resolver or the default gateway of this machine", system_addresses());
  const auto sum = [this](std::size_t Sources::Sizes::*part) {
    return [this, part] {
      std::size_t total = 0;
      for (std::size_t i = 0; i < workers_.count(); ++i) total += workers_[i].sources().sizes().*part;
      return static_cast<double>(total);
    };
  };
  metrics_.gauge("sipward_transactions", "Transactions remembered.", alive_,
                 sum(&Sources::Sizes::transactions));
  metrics_.gauge("sipward_proven_sources", "Addresses and ports that proved themselves.", alive_,
                 sum(&Sources::Sizes::proven));
  metrics_.gauge("sipward_registrations", "Live registrations of proven sources.", alive_,
                 sum(&Sources::Sizes::registrations));
  metrics_.gauge("sipward_connections", "Streams of clients that are open.", alive_,
                 [this] { return static_cast<double>(open_streams()); });
}

Server::~Server() {
  stop();
}

void Server::run(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> tree) {
  workers_.start();
  activate(sipfile, std::move(tree));  // nothing here keeps it alive: it must end before the workers do
  setup_.log.info("core", "serving " + joined(listeners_.addresses()),
                  {{"sipfile", setup_.sipfile.string()}, {"workers", std::to_string(workers_.count())}});
  on_signal();
  const auto work = boost::asio::make_work_guard(control_);
  control_.run();
  stop();
}

void Server::activate(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> tree) {
  setup_.log.configure(sipfile.options.log);
  BuildContext context{services_,    metrics_,
                       setup_.log,   setup_.clock,
                       workers_,     resolver_,
                       protected_,   tree->endpoints,
                       *tree->scope, choose_state_dir(sipfile.options, setup_.environment)};
  provision_tree(*tree, setup_.modules, context);
  if (tree->http) tree->http->prepare(*tree->sites);
  auto opened = listeners_.prepare(*tree);

  // Nothing below can fail.
  auto old = tree_.snapshot();
  for (const auto& service : services_.take_new()) service->start();
  const std::shared_ptr<const RouteTree> next = std::move(tree);
  tree_.publish(next);
  if (next->http)
    next->http->publish(std::shared_ptr<const std::vector<HttpSite>>(next, next->sites.get()));
  else if (old && old->http)
    old->http->publish(std::make_shared<std::vector<HttpSite>>());
  listeners_.commit(*opened);
  own_addresses_ = protected_.add("an address of this server", listeners_.own_addresses());
  grace_period_ = sipfile.options.grace_period;
  if (old) retire(std::move(old));
}

// Workers take up the new tree one by one; the old one ends here, on the control thread, after the last of
// them.
void Server::retire(std::shared_ptr<const RouteTree> old) {
  auto waiting = std::make_shared<std::atomic<std::size_t>>(workers_.count());
  auto holder = std::make_shared<std::shared_ptr<const RouteTree>>(std::move(old));
  workers_.post_all([this, waiting, holder](Worker& worker) {
    static_cast<WorkerThread&>(worker).refresh_tree();
    if (waiting->fetch_sub(1) == 1) boost::asio::post(control_, [holder] { holder->reset(); });
  });
}

void Server::reload() {
  config::Errors errors;
  const auto sipfile = config::load_file(setup_.sipfile, setup_.environment, errors);
  auto tree = build_tree(sipfile, setup_.modules, errors);
  if (!errors.ok()) {
    setup_.log.error("core", "reload refused; the old configuration goes on", {{"why", errors.to_string()}});
    return;
  }
  try {
    activate(sipfile, std::move(tree));
    setup_.log.info("core", "reloaded; serving " + joined(listeners_.addresses()));
  } catch (const std::exception& e) {
    services_.take_new();
    setup_.log.error("core", "reload refused; the old configuration goes on", {{"why", e.what()}});
  }
}

void Server::on_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      if (!stopping_) reload();
    } else if (stopping_) {
      setup_.log.info("core", "stopping at once");
      control_.stop();
      return;
    } else {
      setup_.log.info("core", "stopping; a second signal ends it at once");
      stopping_ = true;
      drain_until_ = setup_.clock.now() + grace_period_;
      workers_.post_all(
          [](Worker& worker) { static_cast<WorkerThread&>(worker).connections().close_all(false); });
      drain();
    }
    on_signal();
  });
}

void Server::drain() {
  if (open_streams() == 0 || setup_.clock.now() >= drain_until_) return control_.stop();
  drain_timer_.expires_after(std::chrono::milliseconds(50));
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) drain();
  });
}

std::size_t Server::open_streams() const {
  std::size_t open = 0;
  const auto& metrics = const_cast<Server*>(this)->workers_[0].metrics();
  open = metrics.connections.sum(RuntimeMetrics::accepted) - metrics.connections_ended.total();
  return open;
}

void Server::stop() {
  const auto deadline = setup_.clock.now() + std::chrono::seconds(5);
  for (const auto& service : services_.all()) service->stop(deadline);
  tree_.publish(nullptr);
  workers_.stop();
}

std::filesystem::path choose_state_dir(const config::GlobalOptions& options,
                                       const config::Environment& environment) {
  if (!options.state_dir.empty()) return options.state_dir;
  const auto variable = [&](const char* name) -> std::string {
    if (!environment.variable) return {};
    return environment.variable(name).value_or("");
  };
  if (const auto dir = variable("STATE_DIRECTORY"); !dir.empty()) return dir;
  std::filesystem::path system = "/var/lib/sipward";
  if (access(system.c_str(), W_OK) == 0 || access(system.parent_path().c_str(), W_OK) == 0) return system;
  if (const auto dir = variable("XDG_STATE_HOME"); !dir.empty())
    return std::filesystem::path(dir) / "sipward";
  if (const auto home = variable("HOME"); !home.empty())
    return std::filesystem::path(home) / ".local" / "state" / "sipward";
  return system;
}

}  // namespace sipward
