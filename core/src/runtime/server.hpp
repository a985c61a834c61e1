#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <memory>

#include "management/management.hpp"
#include "modules/module_host.hpp"
#include "observe/stderr_logger.hpp"
#include "runtime/deployment.hpp"
#include "runtime/heartbeat.hpp"
#include "runtime/notifier.hpp"

namespace sipward {

// The running process: what it serves, signals, the management API, and what the service manager is told.
// Lives on the control thread, which is the one that calls run().
class Server final : private ManagedServer {
 public:
  struct Setup {
    std::filesystem::path sipfile;
    config::Environment environment;
    const ModuleHost& modules;
    const Clock& clock;
    StderrLogger& log;
    std::filesystem::path pidfile;  // empty: none
  };
  // `first` is the loaded and built configuration to start with.
  Server(const Setup& setup, const config::Sipfile& first);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts `tree`, and returns when the process was told to stop. Throws ConfigError when it can't be
  // started.
  void run(const config::Sipfile& sipfile, std::shared_ptr<RouteTree> tree);

 private:
  void on_signal();
  void begin_stop();
  void drain();
  LoadResult tell(const std::function<LoadResult()>& load);

  // What the management API asks for.
  std::shared_ptr<const Running> running() const override { return deployment_.running(); }
  const ModuleHost& modules() const override { return setup_.modules; }
  std::filesystem::path sipfile() const override { return setup_.sipfile; }
  void on_control(std::function<void()> task) override;
  LoadResult load(const ConfigText& text, bool force) override;
  LoadResult reread(bool force) override;
  LoadResult adapt(const ConfigText& text, boost::json::object& config) override;
  void stop() override;
  config::Sipfile read(const ConfigText& given, config::Errors& errors) const;

  Setup setup_;
  boost::asio::io_context control_{1};
  boost::asio::signal_set signals_;
  boost::asio::steady_timer drain_timer_;
  Notifier notifier_;
  Deployment deployment_;
  Heartbeat heartbeat_;
  Time drain_until_{};
  bool stopping_ = false;
};

}  // namespace sipward
