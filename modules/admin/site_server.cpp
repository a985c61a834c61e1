#include "site_server.hpp"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <csignal>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "connection.hpp"
#include "connection_table.hpp"
#include "listener.hpp"
#include "sipward/config/errors.hpp"
#include "sites.hpp"

namespace sipward::admin {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Listeners = std::map<std::string, std::shared_ptr<Listener>>;

constexpr auto kWait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::seconds kLastWords{2};

// Signals are the control thread's.
std::thread start_without_signals(const std::function<void()>& run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(run);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), "admin");
  return thread;
}

}  // namespace

struct SiteServer::Impl final : ConnectionHost {
  Impl(Logger& l, const Clock& c, const HttpLimits& some) : log(l), time(c), bounds(some), table(some) {}

  const HttpLimits& limits() const override { return bounds; }
  const Clock& clock() const override { return time; }
  std::size_t max_body(const ConnectionSlot& slot) const override { return sites->max_body(slot.listen); }
  HttpResponse answer(const ConnectionSlot& slot, HttpRequest& request) override {
    const auto kept = sites;  // a handler may publish new ones
    return kept->answer(slot.listen, request, log, log_limit, time.now());
  }
  bool may_stay(const ConnectionSlot& slot) const override { return !stopping && sites->has(slot.listen); }
  void ended(const std::shared_ptr<ConnectionSlot>& slot) override {
    table.release(slot);
    if (!stopping || table.size() != 0) return;
    std::lock_guard lock(mutex);
    drained = true;
    all_ended.notify_all();
  }

  auto tell_failure() {
    return [this](const std::exception_ptr& failure) {
      if (std::uint64_t suppressed = 0; failure && log_limit.allow(time.now(), suppressed)) {
        log.error("admin", "a connection failed");
      }
    };
  }

  void accepted(tcp::socket socket, const std::string& listen) {
    error_code ec;
    const auto remote = socket.remote_endpoint(ec);
    if (ec) return;
    auto slot = table.admit(endpoint_of(remote), listen, time.now());
    if (!slot) return;
    socket.set_option(tcp::no_delay(true), ec);
    asio::co_spawn(io, serve(std::move(socket), std::move(slot), *this), tell_failure());
  }

  asio::awaitable<void> accept_from(std::shared_ptr<Listener> listener, tcp::acceptor& acceptor) {
    asio::steady_timer pause(io);
    while (!listener->closed()) {
      auto [ec, socket] = co_await acceptor.async_accept(kWait);
      if (listener->closed()) co_return;
      if (!ec) {
        accepted(std::move(socket), listener->listen());
        continue;
      }
      // Most likely no descriptor is left; trying again at once would only turn in circles.
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kWait);
    }
  }

  // On the admin thread, or before it runs.
  void take(std::shared_ptr<const Sites> next, const Listeners& added, const Listeners& removed) {
    sites.swap(next);
    for (const auto& [name, listener] : removed) listener->close();
    for (const auto& [name, listener] : added) {
      for (auto& acceptor : listener->acceptors()) {
        asio::co_spawn(io, accept_from(listener, acceptor), tell_failure());
      }
    }
    table.close_waiting([this](const ConnectionSlot& slot) { return !sites->has(slot.listen); });
    // Who may listen, and whether there is still something to hear, is for the new sites to say.
    table.end_streams();
  }

  // Of the addresses that are open: another address of theirs may be opened beside them.
  std::set<Port> own_ports() const {
    std::set<Port> ports;
    for (const auto& [name, listener] : listeners)
      for (const auto& at : listener->bound()) ports.insert(at.port);
    return ports;
  }

  // Runs the task on the admin thread and waits for it; at once when that is here or there is none.
  void run_there(const std::function<void()>& task) {
    if (!thread.joinable() || thread.get_id() == std::this_thread::get_id()) return task();
    std::promise<void> done;
    asio::post(io, [&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  Logger& log;
  const Clock& time;
  const HttpLimits bounds;
  LogLimit log_limit;
  std::mutex mutex;
  std::condition_variable all_ended;
  bool drained = false;  // guarded by mutex

  // Of the admin thread.
  ConnectionTable table;
  std::shared_ptr<const Sites> sites = std::make_shared<const Sites>(nullptr);
  bool stopping = false;
  // Ends before what its coroutines refer to, and after the sockets that refer to it.
  asio::io_context io{1};

  // Of the control thread.
  Listeners listeners;
  Listeners prepared;
  std::thread thread;
  bool stopped = false;
};

SiteServer::SiteServer(Logger& log, const Clock& clock, const HttpLimits& limits)
    : impl_(std::make_unique<Impl>(log, clock, limits)) {}

SiteServer::~SiteServer() {
  // A configuration without sites ends the server that is just answering the request which brought it.
  stop(impl_->time.now() + kLastWords);
}

void SiteServer::prepare(const std::vector<HttpSite>& sites) {
  Listeners opened;
  std::vector<std::string> seen;
  for (const auto& site : sites) {
    for (const auto& listen : site.listen) {
      if (std::find(seen.begin(), seen.end(), listen) != seen.end()) {
        throw config::ConfigError("two HTTP sites are reached at " + listen);
      }
      seen.push_back(listen);
      if (impl_->listeners.count(listen) != 0) continue;
      // What the last prepare() opened may still be wanted.
      if (const auto at = impl_->prepared.find(listen); at != impl_->prepared.end()) {
        opened.insert(*at);
      } else {
        opened.emplace(listen, std::make_shared<Listener>(impl_->io, listen, impl_->own_ports()));
      }
    }
  }
  impl_->prepared = std::move(opened);
}

void SiteServer::publish(std::shared_ptr<const std::vector<HttpSite>> sites) {
  if (impl_->stopped) return;
  auto added = std::exchange(impl_->prepared, {});
  auto next = std::make_shared<const Sites>(std::move(sites));
  Listeners removed;
  for (const auto& entry : impl_->listeners) {
    if (!next->has(entry.first)) removed.insert(entry);
  }
  for (const auto& entry : removed) impl_->listeners.erase(entry.first);
  impl_->listeners.insert(added.begin(), added.end());
  // The old sites end here, on the caller's thread, when nothing runs in them any more.
  std::shared_ptr<const Sites> old;
  impl_->run_there([&] {
    old = impl_->sites;
    impl_->take(std::move(next), added, removed);
  });
}

void SiteServer::start() {
  if (impl_->thread.joinable() || impl_->stopped) return;
  impl_->thread = start_without_signals([impl = impl_.get()] {
    const auto work = asio::make_work_guard(impl->io);
    impl->io.run();
  });
}

void SiteServer::stop(Time deadline) {
  if (std::exchange(impl_->stopped, true)) return;
  impl_->prepared.clear();
  if (!impl_->thread.joinable()) return;
  impl_->run_there([this] {
    impl_->stopping = true;
    for (const auto& [name, listener] : impl_->listeners) listener->close();
    impl_->table.close_waiting([](const ConnectionSlot&) { return true; });
    impl_->table.end_streams();
    if (impl_->table.size() != 0) return;
    std::lock_guard lock(impl_->mutex);
    impl_->drained = true;
  });
  {
    std::unique_lock lock(impl_->mutex);
    impl_->all_ended.wait_until(lock, deadline, [this] { return impl_->drained; });
  }
  impl_->io.stop();
  impl_->thread.join();
  impl_->table.close_all();  // those that did not end in time
}

std::vector<Endpoint> SiteServer::addresses() const {
  std::vector<Endpoint> all;
  for (const auto& [name, listener] : impl_->listeners) {
    all.insert(all.end(), listener->bound().begin(), listener->bound().end());
  }
  return all;
}

}  // namespace sipward::admin
