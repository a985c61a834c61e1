#include "webhook.hpp"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <mutex>
#include <random>
#include <thread>

#include "event_json.hpp"
#include "webhook_http.hpp"

namespace sipward::guardian {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{60'000};
constexpr std::chrono::seconds kLastWords{1};

enum Outcome : std::uint8_t { kSent, kRetried, kFailed, kDropped };
constexpr std::string_view kOutcomes[] = {"sent", "retried", "failed", "dropped"};

// Two receivers whose texts are the same are one.
std::string service_name(const std::string& instance, const WebhookOptions& o, bool counted) {
  const auto& url = o.url;
  std::string name = "sip_guardian/webhook";
  for (const auto& part :
       {instance, std::string(url.tls ? "https" : "http"), url.host, std::to_string(url.port), url.target,
        std::to_string(o.events), o.secret, o.ca, std::to_string(o.timeout.count()),
        std::to_string(o.retries), std::string(counted ? "counted" : "")}) {
    name += '\n' + std::to_string(part.size()) + ':' + part;
  }
  return name;
}

}  // namespace

struct Webhook::Impl final : EventSink {
  Impl(BuildContext& context, std::string of, WebhookOptions what, bool counted)
      : instance(std::move(of)), options(std::move(what)), log(context.log), clock(context.clock) {
    if (counted) {
      results = context.metrics.counter("sip_guardian_webhooks_total",
                                        "Events for webhooks by what became of them; a retry is one attempt.",
                                        "result", kOutcomes);
    }
  }

  void count(Outcome outcome) { results.add_shared(outcome); }

  void take(const EventPtr& event) noexcept override {
    if (!options.wants(event->kind)) return;
    try {
      if (add(event)) asio::post(io, [this] { news.cancel(); });
    } catch (const std::exception&) {  // no memory
      count(kDropped);
    }
  }

  // True when the receiver's thread waits for it.
  bool add(const EventPtr& event) {
    const std::lock_guard lock(mutex);
    if (closed) return false;
    if (queue.size() >= kMaxQueue) return count(kDropped), false;
    queue.push_back(event);
    return queue.size() == 1;
  }

  EventPtr next() {
    const std::lock_guard lock(mutex);
    return queue.empty() ? nullptr : queue.front();
  }
  void done() {
    const std::lock_guard lock(mutex);
    queue.pop_front();
  }
  std::vector<Endpoint> known_addresses() {
    const std::lock_guard lock(mutex);
    return addresses;
  }

  // On the receiver's thread from here.
  asio::awaitable<void> run() {
    for (;;) {
      const auto event = next();
      if (event) {
        co_await deliver(*event);
        done();
      } else if (ending) {
        break;
      } else {
        // An event that comes before this waits has posted what ends the wait.
        news.expires_at(asio::steady_timer::time_point::max());
        co_await news.async_wait(asio::as_tuple(asio::use_awaitable));
      }
    }
    io.stop();
  }

  asio::awaitable<void> deliver(const Event& event) {
    const auto body = boost::json::serialize(to_json(event, instance));
    const asio::any_io_executor executor = io.get_executor();
    PostResult result;
    for (unsigned attempt = 0; attempt <= options.retries; ++attempt) {
      if (attempt != 0) {
        // When the process ends nobody waits for a receiver that does not answer.
        if (ending) break;
        co_await pause(attempt);
        if (ending) break;
        count(kRetried);
      }
      const auto known = known_addresses();
      result = co_await post_once(executor, options, known, body);
      if (result.ok()) {
        count(kSent);
        co_return;
      }
      if (!result.worth_a_retry()) break;
    }
    if (ending) {
      const std::lock_guard lock(mutex);
      for (std::size_t i = 1; i < queue.size(); ++i) count(kFailed);
      queue.resize(1);
    }
    count(kFailed);
    tell(result);
  }

  asio::awaitable<void> pause(unsigned attempt) {
    milliseconds longest = kFirstPause;
    for (unsigned i = 1; i < attempt && longest < kLongestPause; ++i) longest *= 2;
    longest = std::min(longest, kLongestPause);
    std::uniform_int_distribution<milliseconds::rep> some(longest.count() / 2, longest.count());
    retry.expires_after(milliseconds(some(random)));
    co_await retry.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  // The path of a URL may be a secret, its host is not.
  void tell(const PostResult& result) {
    std::uint64_t suppressed = 0;
    if (!log_limit.allow(clock.now(), suppressed)) return;
    const auto why = result.status == 0 ? result.problem : "it answered " + std::to_string(result.status);
    log.warn("sip_guardian", "a webhook did not take an event",
             {{"guardian", instance},
              {"receiver", options.url.authority()},
              {"why", why},
              {"suppressed", std::to_string(suppressed)}});
  }

  const std::string instance;
  const WebhookOptions options;
  Logger& log;
  const Clock& clock;
  Counter results;
  LogLimit log_limit;

  std::mutex mutex;
  std::condition_variable ended;
  std::deque<EventPtr> queue;  // guarded by mutex, as are the next three
  std::vector<Endpoint> addresses;
  bool closed = false;
  bool over = false;

  std::minstd_rand random{std::random_device{}()};
  bool ending = false;
  asio::io_context io{1};
  asio::steady_timer news{io};
  asio::steady_timer retry{io};
};

std::shared_ptr<Webhook> Webhook::find_or_make(BuildContext& context, const std::string& instance,
                                               Events& events, const WebhookOptions& options, bool counted) {
  return context.services.find_or_make<Webhook>(service_name(instance, options, counted), [&] {
    try {
      check_authorities(options);
    } catch (const std::exception& error) {
      throw config::ConfigError("webhooks ca " + options.ca + ": " + error.what());
    }
    auto made = std::make_shared<Webhook>(context, instance, options, counted);
    events.subscribe(made->impl_);
    return made;
  });
}

Webhook::Webhook(BuildContext& context, std::string instance, WebhookOptions options, bool counted)
    : impl_(std::make_shared<Impl>(context, std::move(instance), std::move(options), counted)) {
  const auto& url = impl_->options.url;
  watch_ =
      context.resolver.watch(url.host, url.port, [weak = std::weak_ptr(impl_)](std::vector<Endpoint> found) {
        const auto impl = weak.lock();
        if (!impl) return;
        const std::lock_guard lock(impl->mutex);
        impl->addresses = std::move(found);
      });
}

Webhook::~Webhook() {
  watch_.reset();
  try {
    stop(std::chrono::steady_clock::now() + kLastWords);
  } catch (const std::exception&) {  // no memory to tell the thread; it can't be left behind either
    std::terminate();
  }
}

void Webhook::start() {
  if (thread_.joinable()) return;
  sigset_t all;  // signals are the control thread's
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([impl = impl_.get()] {
    asio::co_spawn(impl->io, impl->run(), asio::detached);
    impl->io.run();
    const std::lock_guard lock(impl->mutex);
    impl->over = true;
    impl->ended.notify_all();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "webhook");
}

void Webhook::stop(Time deadline) {
  auto& impl = *impl_;
  {
    const std::lock_guard lock(impl.mutex);
    impl.closed = true;
  }
  if (!thread_.joinable()) return;
  asio::post(impl.io, [&impl] {
    impl.ending = true;
    impl.news.cancel();
    impl.retry.cancel();
  });
  {
    std::unique_lock lock(impl.mutex);
    impl.ended.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() + kLastWords),
                          [&] { return impl.over; });
  }
  impl.io.stop();  // an attempt that is under way ends with it
  thread_.join();
}

}  // namespace sipward::guardian
