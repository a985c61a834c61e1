#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sipward/build_context.hpp"
#include "sipward/testing/fake_clock.hpp"
#include "sipward/testing/fake_worker.hpp"

namespace sipward::test {

// Keeps what is logged. Safe to call from any thread.
class FakeLogger final : public Logger {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view module, std::string_view message,
             std::initializer_list<LogField> fields) override;
  std::vector<std::string> lines() const;  // warn hello: message name=value …

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Answers with what the test gives it, when the test says so: watched[0].second({endpoints}), and
// services[0].second({targets}) for names of services.
class FakeResolver final : public Resolver {
 public:
  std::shared_ptr<void> watch(std::string host, Port,
                              std::function<void(std::vector<Endpoint>)> changed) override {
    watched.emplace_back(std::move(host), std::move(changed));
    return std::make_shared<int>();
  }
  std::shared_ptr<void> watch_service(std::string name,
                                      std::function<void(std::vector<ServiceTarget>)> changed) override {
    services.emplace_back(std::move(name), std::move(changed));
    return std::make_shared<int>();
  }
  std::vector<std::pair<std::string, std::function<void(std::vector<Endpoint>)>>> watched;
  std::vector<std::pair<std::string, std::function<void(std::vector<ServiceTarget>)>>> services;
};

// Everything that a component may take while provisioning, for one test.
struct FakeHost {
  explicit FakeHost(std::size_t worker_count = 1) : workers(worker_count, clock), metrics(worker_count) {}

  BuildContext context() {
    return {services,  metrics, log,           clock, workers, resolver, protected_addresses,
            endpoints, scope,   "/nonexistent"};
  }

  FakeClock clock;
  FakeWorkers workers;
  Services services;
  Metrics metrics;
  FakeLogger log;
  FakeResolver resolver;
  ProtectedAddresses protected_addresses;
  HttpEndpoints endpoints;
  BuildScope scope;
};

}  // namespace sipward::test
