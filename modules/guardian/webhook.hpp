#pragma once

#include <memory>
#include <string>
#include <thread>

#include "events.hpp"
#include "sipward/build_context.hpp"
#include "webhook_options.hpp"

namespace sipward::guardian {

// Tells one receiver of events, on a thread of its own, from a bounded queue: a slow or dead receiver costs
// nobody else anything. Each event is POSTed until the receiver takes it (2xx), refuses it for good, or the
// retries are used up; between attempts it waits half a second, twice as long each time, at most a minute,
// with jitter. Events stay in order. What does not fit into the queue is dropped and counted.
//
// A service that outlives a reload: the same options again are the same receiver, so each event is sent once.
// Ends quickly: what is queued gets a second, and nothing when the last attempt failed.
class Webhook final : public Service {
 public:
  static constexpr std::size_t kMaxQueue = 1'024;

  // The receiver of these options among those of an instance, made when there is none and subscribed to its
  // events. `counted`: metrics are kept. Throws config::ConfigError when `ca` can't be read. Control thread.
  static std::shared_ptr<Webhook> find_or_make(BuildContext& context, const std::string& instance,
                                               Events& events, const WebhookOptions& options, bool counted);

  Webhook(BuildContext& context, std::string instance, WebhookOptions options, bool counted);
  ~Webhook() override;

  void start() override;
  void stop(Time deadline) override;

 private:
  struct Impl;  // what events are given to; the thread is this service's
  std::shared_ptr<Impl> impl_;
  std::shared_ptr<void> watch_;  // of the receiver's name
  std::thread thread_;
};

}  // namespace sipward::guardian
