#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "modules/module_host.hpp"
#include "observe/stderr_logger.hpp"
#include "routing/builder.hpp"
#include "runtime/dns_client.hpp"
#include "runtime/listeners.hpp"
#include "runtime/regulars_file.hpp"
#include "runtime/resolver.hpp"
#include "runtime/retired_trees.hpp"
#include "runtime/worker_pool.hpp"
#include "sipward/build_context.hpp"
#include "sipward/published.hpp"

namespace sipward {

// What came of an attempt to load a configuration.
struct LoadResult {
  enum class What : std::uint8_t {
    changed,    // it runs
    unchanged,  // it says what runs already; nothing was touched
    refused,    // what ran before goes on, untouched
  };
  What what = What::refused;
  std::string why;              // of a refusal: every problem, ready to be printed
  boost::json::array problems;  // errors and warnings, as Errors::to_json()
};

// The configuration that runs, for whoever asks. Immutable.
struct Running {
  boost::json::object config;  // canonical
  std::vector<std::string> modules_path;
};

// What runs, and how one configuration follows another: everything is built beside, then published in one
// step, then what is no longer wanted ends. Services, counters, sockets, streams and what workers know of
// sources stay. Control thread, unless a call says otherwise.
class Deployment {
 public:
  struct Setup {
    const ModuleHost& modules;
    const config::Environment& environment;
    const Clock& clock;
    StderrLogger& log;
    boost::asio::io_context& control;
  };
  // Adds to a new tree what the process itself serves: the management API's site. True when the last site may
  // be left out, with a warning, because its address is taken: nobody asked for it.
  using AddSites = std::function<bool(RouteTree&, const config::Sipfile&)>;

  Deployment(const Setup& setup, const config::GlobalOptions& first, AddSites add_sites);
  ~Deployment();  // stops
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  // The first configuration, read and built without errors. Throws ConfigError when it can't be run.
  void start(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> tree);
  // A later one, as it was read; `errors` holds what reading had to say. With `force` also when it says what
  // runs already.
  LoadResult load(const config::Sipfile& sipfile, config::Errors& errors, bool force);
  // Takes no new connections, and closes those that are open once what is queued for them was written.
  void drain();
  void stop();

  std::shared_ptr<const Running> running() const { return running_.snapshot(); }  // any thread
  std::chrono::milliseconds grace_period() const { return grace_period_; }
  std::size_t open_streams() const;
  std::vector<std::string> addresses() const { return listeners_.addresses(); }
  WorkerPool& workers() { return workers_; }

 private:
  class Unpublished;
  void activate(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> made);
  void open_sites(RouteTree& tree, bool last_is_optional);
  void publish(std::shared_ptr<const Routing> next);
  void close_retired_listeners();
  void use_name_servers(const std::vector<Endpoint>& servers);
  void protect(const config::GlobalOptions& options);
  void declare_gauges();

  Setup setup_;
  AddSites add_sites_;
  Metrics metrics_;
  Services services_;
  CaresClient dns_;
  NameResolver resolver_;
  std::vector<Endpoint> name_servers_;
  ProtectedAddresses protected_;
  std::vector<std::shared_ptr<void>> protection_;  // of what core knows itself
  Published<Routing> routing_;
  WorkerPool workers_;
  RegularsFile regulars_;
  RetiredTrees retired_;
  Listeners listeners_;
  boost::asio::steady_timer grace_timer_;
  std::shared_ptr<const RouteTree> serving_;
  std::string fingerprint_;  // of what is serving
  Published<Running> running_;
  Counter reloads_;
  std::shared_ptr<void> alive_ = std::make_shared<int>(0);  // for gauges
  std::chrono::milliseconds grace_period_{};
  bool stopped_ = false;
};

// Where state is kept: the option, else $STATE_DIRECTORY, else /var/lib/sipward when it can be written, else
// $XDG_STATE_HOME/sipward or ~/.local/state/sipward. Nothing is made.
std::filesystem::path choose_state_dir(const config::GlobalOptions& options,
                                       const config::Environment& environment);

}  // namespace sipward
