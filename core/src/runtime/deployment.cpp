#include "runtime/deployment.hpp"

#include <unistd.h>

#include <array>
#include <thread>
#include <utility>

#include "runtime/fingerprint.hpp"
#include "runtime/system_addresses.hpp"

namespace sipward {
namespace {

using What = LoadResult::What;

constexpr std::array<std::string_view, 3> kResults{"changed", "unchanged", "refused"};  // in What's order
constexpr auto kStopTime = std::chrono::seconds(5);

std::size_t worker_count(const config::GlobalOptions& options) {
  if (options.workers != 0) return options.workers;
  const auto cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : cores;
}

}  // namespace

// A tree on its way in. Unless it is released, all that was opened for it is closed again, and the tree ends.
class Deployment::Unpublished {
 public:
  Unpublished(Deployment& deployment, std::shared_ptr<RouteTree> made)
      : deployment_(deployment), made_(std::move(made)) {}
  ~Unpublished() {
    if (!made_) return;
    if (made_->http) made_->http->prepare({});
    made_.reset();
    lent_.reset();
    deployment_.retired_.end();
    deployment_.services_.take_new();
  }
  Unpublished(const Unpublished&) = delete;
  Unpublished& operator=(const Unpublished&) = delete;

  RouteTree& tree() { return *made_; }
  const std::shared_ptr<const RouteTree>& lent() {
    if (!lent_) lent_ = deployment_.retired_.lend(made_);
    return lent_;
  }
  std::shared_ptr<const RouteTree> release() {
    auto lent = std::exchange(lent_, nullptr);
    made_.reset();
    return lent;
  }

 private:
  Deployment& deployment_;
  std::shared_ptr<RouteTree> made_;
  std::shared_ptr<const RouteTree> lent_;
};

Deployment::Deployment(const Setup& setup, const config::GlobalOptions& first, AddSites add_sites)
    : setup_(setup),
      add_sites_(std::move(add_sites)),
      metrics_(worker_count(first)),
      resolver_(setup.control, setup.log, dns_),
      workers_(worker_count(first), setup.clock, setup.log, metrics_, routing_),
      regulars_(setup.control, workers_, setup.clock, setup.log),
      retired_(setup.control),
      listeners_(workers_, setup.log),
      grace_timer_(setup.control),
      reloads_(metrics_.counter("sipward_reloads_total", "Configurations that were to replace another.",
                                "result", kResults)) {
  use_name_servers(first.resolvers);
  declare_gauges();
}

Deployment::~Deployment() {
  stop();
}

void Deployment::use_name_servers(const std::vector<Endpoint>& servers) {
  if (servers == name_servers_) return;
  name_servers_ = servers;
  dns_.use(servers);
  resolver_.refresh();
}

void Deployment::protect(const config::GlobalOptions& options) {
  std::vector<Address> resolvers = system_name_servers();
  for (const auto& server : options.resolvers) resolvers.push_back(server.address);
  std::vector<std::shared_ptr<void>> next;
  next.push_back(protected_.add(kWhyOwn, listeners_.own_addresses()));
  next.push_back(protected_.add(kWhyResolver, std::move(resolvers)));
  next.push_back(protected_.add(kWhyGateway, default_gateways()));
  protection_ = std::move(next);
}

void Deployment::declare_gauges() {
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

void Deployment::start(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> tree) {
  setup_.log.configure(sipfile.options.log);
  workers_.start();
  activate(sipfile, std::move(tree));
}

LoadResult Deployment::load(const config::Sipfile& sipfile, config::Errors& errors, bool force) {
  const auto result = [&](What what, std::string why = {}) {
    reloads_.add_shared(static_cast<std::size_t>(what));
    return LoadResult{what, std::move(why), errors.to_json()};
  };
  if (errors.ok() && !force && fingerprint(sipfile) == fingerprint_) return result(What::unchanged);
  try {
    auto tree = build_tree(sipfile, setup_.modules, errors);
    if (!errors.ok()) return result(What::refused, errors.to_string());
    activate(sipfile, std::move(tree));
  } catch (const std::exception& e) {
    errors.add({}, e.what());
    return result(What::refused, e.what());
  } catch (...) {  // a stranger's module may throw anything; what runs goes on
    errors.add({}, "a module threw something that is no exception");
    return result(What::refused, "a module threw something that is no exception");
  }
  if (sipfile.options.workers != 0 && sipfile.options.workers != workers_.count())
    setup_.log.warn("core", "the number of workers is fixed while the process runs",
                    {{"running", std::to_string(workers_.count())}});
  return result(What::changed);
}

void Deployment::activate(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> made) {
  Unpublished next(*this, std::move(made));
  auto& tree = next.tree();
  BuildContext context{services_,   metrics_,
                       setup_.log,  setup_.clock,
                       workers_,    resolver_,
                       protected_,  tree.endpoints,
                       *tree.scope, choose_state_dir(sipfile.options, setup_.environment)};
  const bool optional_site = add_sites_(tree, sipfile);
  provision_tree(tree, setup_.modules, context);
  if (tree.http) open_sites(tree, optional_site);
  if (!serving_) regulars_.start(context.state_dir);
  const auto opened = listeners_.prepare(next.lent());
  auto log = StderrLogger::prepare(sipfile.options.log);
  auto running =
      std::make_shared<const Running>(Running{config::to_json(sipfile), sipfile.options.modules_path});
  auto text = fingerprint(sipfile);
  for (const auto& service : services_.take_new()) service->start();

  // Nothing below can fail.
  regulars_.move(context.state_dir);
  setup_.log.take(std::move(log));
  const auto old = std::exchange(serving_, next.release());
  publish(Listeners::routing(*opened));
  if (serving_->http) serving_->http->publish({serving_, serving_->sites.get()});
  if (old && old->http && old->http != serving_->http)
    old->http->publish(std::make_shared<std::vector<HttpSite>>());
  grace_period_ = sipfile.options.grace_period;
  listeners_.commit(*opened, setup_.clock.now() + grace_period_);
  protect(sipfile.options);
  use_name_servers(sipfile.options.resolvers);
  running_.publish(std::move(running));
  fingerprint_ = std::move(text);
  close_retired_listeners();
}

void Deployment::open_sites(RouteTree& tree, bool last_is_optional) {
  try {
    return tree.http->prepare(*tree.sites);
  } catch (const config::ConfigError& e) {
    if (!last_is_optional) throw;
    // The fault may be another site's: then it is told now.
    auto last = std::move(tree.sites->back());
    tree.sites->pop_back();
    tree.http->prepare(*tree.sites);
    setup_.log.warn("core", "there is no management API; say `admin ADDRESS` or `admin off`",
                    {{"why", e.what()}});
  }
}

// Workers take it up one by one; each may be in the middle of a message by the old one, so every worker holds
// that until it has been through its queue.
void Deployment::publish(std::shared_ptr<const Routing> next) {
  const auto old = routing_.snapshot();
  routing_.publish(std::move(next));
  workers_.post_all([old](Worker& worker) { static_cast<WorkerThread&>(worker).refresh_routing(); });
}

void Deployment::close_retired_listeners() {
  if (auto next = listeners_.close_due(setup_.clock.now())) publish(std::move(next));
  grace_timer_.cancel();
  const auto when = listeners_.next_close();
  if (!when) return;
  grace_timer_.expires_at(*when);
  grace_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) close_retired_listeners();
  });
}

void Deployment::drain() {
  workers_.post_all(
      [](Worker& worker) { static_cast<WorkerThread&>(worker).connections().close_all(false); });
}

std::size_t Deployment::open_streams() const {
  const auto& metrics = const_cast<Deployment*>(this)->workers_[0].metrics();
  return metrics.connections.sum(RuntimeMetrics::accepted) - metrics.connections_ended.total();
}

void Deployment::stop() {
  if (std::exchange(stopped_, true)) return;
  grace_timer_.cancel();
  // The sites hold the tree, and the tree holds who serves them.
  if (serving_ && serving_->http) serving_->http->publish(std::make_shared<std::vector<HttpSite>>());
  const auto deadline = setup_.clock.now() + kStopTime;
  for (const auto& service : services_.all()) service->stop(deadline);
  regulars_.stop();
  routing_.publish(nullptr);
  listeners_.clear();
  serving_.reset();
  workers_.stop();
  retired_.end();
  workers_.wind_up();
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
