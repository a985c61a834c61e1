#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/dns_client.hpp"
#include "sipward/build_context.hpp"
#include "sipward/log.hpp"

namespace sipward {

// How often is asked: as the answer's TTL says, within bounds, and after a failure in growing steps.
struct ResolverTimes {
  std::chrono::milliseconds least = std::chrono::seconds(5);
  std::chrono::milliseconds most = std::chrono::hours(1);
  std::chrono::milliseconds first_retry = std::chrono::seconds(1);
  std::chrono::milliseconds last_retry = std::chrono::minutes(1);

  std::chrono::milliseconds refresh(std::chrono::seconds ttl) const;
  // After so many failures in a row (from 1); `random` takes up to a quarter off, so that those who failed
  // together do not come back together.
  std::chrono::milliseconds retry(unsigned failures, std::uint32_t random) const;
};

// Keeps the names that somebody watches up to date; each is asked for once, however many watch it. A and AAAA
// are two questions: while one fails, what was known of its kind stays. Later callbacks run on the thread of
// `io`.
class NameResolver final : public Resolver {
 public:
  NameResolver(boost::asio::io_context& io, Logger& log, DnsClient& client, const ResolverTimes& times = {})
      : shared_(std::make_shared<Shared>(Shared{io, log, client, times})) {}

  std::shared_ptr<void> watch(std::string host, Port port,
                              std::function<void(std::vector<Endpoint>)> changed) override;
  std::shared_ptr<void> watch_service(std::string name,
                                      std::function<void(std::vector<ServiceTarget>)> changed) override;
  // Asks for everything anew, as when the name servers are others. Any thread.
  void refresh();

 private:
  // What the names need of us; outlives us as long as handlers of `io` do.
  struct Shared {
    boost::asio::io_context& io;
    Logger& log;
    DnsClient& client;
    ResolverTimes times;
  };
  class Asker;
  class Host;
  class Service;
  template <class Answer>
  class Watched;
  template <class Answer>
  struct Watcher;
  template <class Name>
  std::shared_ptr<Name> find(std::map<std::string, std::weak_ptr<Name>>& names, const std::string& name,
                             const std::function<std::shared_ptr<Name>()>& make);
  template <class Name, class WatcherPtr>
  std::shared_ptr<void> handle(std::shared_ptr<Name> name, WatcherPtr watcher);
  std::shared_ptr<Host> host(const std::string& name);

  std::shared_ptr<Shared> shared_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Host>> hosts_;
  std::map<std::string, std::weak_ptr<Service>> services_;
};

}  // namespace sipward
