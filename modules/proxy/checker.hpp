#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>

#include "health.hpp"
#include "metrics.hpp"
#include "sipward/build_context.hpp"
#include "sipward/log.hpp"

namespace sipward::proxy {

// Asks targets whether they live, from one thread of its own, so that workers under fire neither delay the
// questions nor the answers. The service "proxy/checks/1": results outlive a reload.
class Checks final : public Service {
 public:
  explicit Checks(BuildContext& context);
  ~Checks() override;

  // The check of that target by those options; it goes on for as long as somebody holds it. Any thread.
  std::shared_ptr<Check> get(const std::shared_ptr<Target>& target, const CheckOptions& options);

  void start() override;
  void stop(Time deadline) override;

 private:
  class Probe;
  using Key = std::tuple<Transport, Endpoint, CheckOptions>;

  const Clock& clock_;
  Logger& log_;
  const ProxyMetrics metrics_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<Check>> checks_;
  std::thread thread_;
};

}  // namespace sipward::proxy
