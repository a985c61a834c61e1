#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "modules/module_host.hpp"
#include "observe/stderr_logger.hpp"
#include "routing/builder.hpp"
#include "runtime/listeners.hpp"
#include "runtime/resolver.hpp"
#include "runtime/worker_pool.hpp"
#include "sipward/build_context.hpp"
#include "sipward/published.hpp"

namespace sipward {

// The running process: workers, listeners, services, and the configuration of the moment. Lives on the
// control thread, which is the one that calls run().
class Server {
 public:
  struct Setup {
    std::filesystem::path sipfile;
    config::Environment environment;
    const ModuleHost& modules;
    const Clock& clock;
    StderrLogger& log;
  };
  // `first` is the loaded and built configuration to start with.
  Server(const Setup& setup, const config::Sipfile& first);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts `tree`, and returns when the process was told to stop. Throws ConfigError when it can't be
  // started.
  void run(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> tree);

 private:
  void activate(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> tree);
  void retire(std::shared_ptr<const RouteTree> old);
  void reload();
  void on_signal();
  void drain();
  void stop();
  std::size_t open_streams() const;

  Setup setup_;
  boost::asio::io_context control_{1};
  boost::asio::signal_set signals_;
  boost::asio::steady_timer drain_timer_;
  Metrics metrics_;
  Services services_;
  SystemResolver resolver_;
  ProtectedAddresses protected_;
  std::shared_ptr<void> own_addresses_, system_addresses_;
  Published<RouteTree> tree_;
  WorkerPool workers_;
  Listeners listeners_;
  std::shared_ptr<void> alive_ = std::make_shared<int>(0);  // for gauges
  std::chrono::milliseconds grace_period_{};
  Time drain_until_{};
  bool stopping_ = false;
};

// Where state is kept: the option, else $STATE_DIRECTORY, else /var/lib/sipward when it can be written, else
// $XDG_STATE_HOME/sipward or ~/.local/state/sipward. Nothing is made.
std::filesystem::path choose_state_dir(const config::GlobalOptions& options,
                                       const config::Environment& environment);

}  // namespace sipward
