#include "runtime/resolver.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace sipward {
namespace {

using boost::asio::ip::udp;
constexpr auto kRefresh = std::chrono::seconds(30);
constexpr auto kRetry = std::chrono::seconds(5);  // while there is no good answer yet

}  // namespace

class SystemResolver::Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(boost::asio::io_context& io, Logger& log, std::string host, Port port,
        std::function<void(std::vector<Endpoint>)> changed)
      : log_(log),
        resolver_(io),
        timer_(io),
        host_(std::move(host)),
        port_(port),
        changed_(std::move(changed)) {}

  void ask() {
    resolver_.async_resolve(host_, std::to_string(port_), udp::resolver::numeric_service,
                            [weak = weak_from_this()](const boost::system::error_code& error,
                                                      const udp::resolver::results_type& results) {
                              if (const auto self = weak.lock()) self->answered(error, results);
                            });
  }

 private:
  void answered(const boost::system::error_code& error, const udp::resolver::results_type& results) {
    std::vector<Endpoint> now;
    for (const auto& entry : results) now.push_back(Endpoint::from(entry.endpoint().data()));
    std::sort(now.begin(), now.end());
    now.erase(std::unique(now.begin(), now.end()), now.end());
    if (error || now.empty()) {
      if (!failing_)
        log_.warn("core", "a name does not resolve; the last good answer is kept",
                  {{"host", host_}, {"why", error ? error.message() : "no address"}});
      failing_ = true;
    } else {
      failing_ = false;
      if (now != last_) {
        last_ = now;
        changed_(std::move(now));
      }
    }
    timer_.expires_after(last_.empty() ? kRetry : kRefresh);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& stopped) {
      const auto self = weak.lock();
      if (self && !stopped) self->ask();
    });
  }

  Logger& log_;
  udp::resolver resolver_;
  boost::asio::steady_timer timer_;
  std::string host_;
  Port port_;
  std::function<void(std::vector<Endpoint>)> changed_;
  std::vector<Endpoint> last_;
  bool failing_ = false;
};

std::shared_ptr<void> SystemResolver::watch(std::string host, Port port,
                                            std::function<void(std::vector<Endpoint>)> changed) {
  if (const auto literal = Address::parse(host)) {
    changed({Endpoint{*literal, port}});
    return std::make_shared<int>(0);
  }
  auto watch = std::make_shared<Watch>(io_, log_, std::move(host), port, std::move(changed));
  boost::asio::post(io_, [watch] { watch->ask(); });
  // The last reference may end on any thread; Asio's objects are taken apart on their own.
  return std::shared_ptr<void>(watch.get(), [watch, io = &io_](void*) mutable {
    boost::asio::post(*io, [last = std::move(watch)] {});
  });
}

}  // namespace sipward
