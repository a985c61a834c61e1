#include "checker.hpp"

#include <pthread.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <random>

namespace sipward::proxy {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Udp = asio::ip::udp;
using std::chrono::milliseconds;

constexpr milliseconds kT1{500};  // RFC 3261 17.1.2.1
constexpr milliseconds kT2{4000};
constexpr std::size_t kMaxAnswer = 16 * 1024;  // octets of an answer over TCP

asio::ip::address to_asio(const Address& address) {
  if (address.is_v4()) return asio::ip::address_v4(address.v4_value());
  return asio::ip::address_v6(asio::ip::address_v6::bytes_type(address.octets()));
}

template <class AsioEndpoint>
Endpoint from_asio(const AsioEndpoint& endpoint) {
  return Endpoint::from(reinterpret_cast<const sockaddr*>(endpoint.data()));
}

}  // namespace

// One target that is asked, again and again, until nobody wants to know. Everything on the checker's thread.
class Checks::Probe final : public std::enable_shared_from_this<Probe> {
 public:
  Probe(Checks& checks, const std::shared_ptr<Check>& check)
      : checks_(checks),
        check_(check),
        options_(check->options()),
        transport_(check->target().transport()),
        to_(check->target().endpoint()),
        chance_(std::random_device()()),
        timer_(checks.io_),
        again_(checks.io_),
        udp_(checks.io_),
        tcp_(checks.io_) {}

  void begin() { ask_after(first_check(options_, static_cast<std::uint32_t>(chance_()))); }

 private:
  // Handlers of a question that is over must not speak in the next one's name.
  template <class Do>
  auto in_this_round(Do act) {
    return [self = shared_from_this(), round = round_, act](const error_code& error, auto... more) {
      if (round == self->round_) act(*self, error, more...);
    };
  }

  void ask_after(Duration time) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this()](const error_code& stopped) {
      if (!stopped && !self->check_.expired()) self->ask();
    });
  }

  void ask() {
    ++round_;
    question_ = {transport_, {}, to_, std::uniform_int_distribution<std::uint64_t>()(chance_)};
    timer_.expires_after(options_.timeout);
    timer_.async_wait(in_this_round([](Probe& self, const error_code& stopped) {
      if (!stopped) self.over(false, "no answer");
    }));
    if (options_.method == CheckMethod::sip_options && !is_stream(transport_)) {
      ask_by_datagram();
    } else {
      connect();
    }
  }

  void ask_by_datagram() {
    const Udp::endpoint there(to_asio(to_.address), to_.port);
    error_code error;
    udp_.open(there.protocol(), error);
    if (!error) udp_.connect(there, error);
    if (error) return over(false, error.message());
    question_.from = from_asio(udp_.local_endpoint(error));
    octets_ = question_.text();
    pause_ = kT1;
    send();
    receive();
  }
  void send() {
    error_code error;
    udp_.send(asio::buffer(octets_), 0, error);
    if (error && error != asio::error::would_block) return over(false, error.message());
    again_.expires_after(pause_);
    again_.async_wait(in_this_round([](Probe& self, const error_code& stopped) {
      if (!stopped) self.send();
    }));
    pause_ = std::min(2 * pause_, kT2);
  }
  void receive() {
    udp_.async_receive(asio::buffer(buffer_),
                       in_this_round([](Probe& self, const error_code& error, std::size_t size) {
                         if (error) return self.over(false, error.message());
                         if (self.question_.answered_by({self.buffer_.data(), size}))
                           return self.over(true, "answered");
                         self.receive();
                       }));
  }

  void connect() {
    tcp_.async_connect(Tcp::endpoint(to_asio(to_.address), to_.port),
                       in_this_round([](Probe& self, const error_code& error) {
                         if (error) return self.over(false, error.message());
                         if (self.options_.method == CheckMethod::tcp) return self.over(true, "connected");
                         self.ask_by_stream();
                       }));
  }
  void ask_by_stream() {
    error_code error;
    question_.from = from_asio(tcp_.local_endpoint(error));
    octets_ = question_.text();
    answer_.clear();
    asio::async_write(tcp_, asio::buffer(octets_),
                      in_this_round([](Probe& self, const error_code& failed, std::size_t) {
                        if (failed) return self.over(false, failed.message());
                        self.read();
                      }));
  }
  void read() {
    tcp_.async_read_some(asio::buffer(buffer_),
                         in_this_round([](Probe& self, const error_code& error, std::size_t size) {
                           if (error) return self.over(false, error.message());
                           self.answer_.append(self.buffer_.data(), size);
                           if (self.answered()) return self.over(true, "answered");
                           if (self.answer_.size() > kMaxAnswer)
                             return self.over(false, "it speaks, but does not answer");
                           self.read();
                         }));
  }
  // Heads are enough, and a 100 may come in front.
  bool answered() {
    for (std::size_t end; (end = answer_.find("\r\n\r\n")) != std::string::npos; answer_.erase(0, end + 4))
      if (question_.answered_by(std::string_view(answer_).substr(0, end + 4))) return true;
    return false;
  }

  void over(bool alive, std::string_view result) {
    ++round_;
    error_code ignored;
    udp_.close(ignored);
    tcp_.close(ignored);
    timer_.cancel();
    again_.cancel();
    const auto check = check_.lock();
    if (!check) return;
    checks_.metrics_.checks.add_shared(alive ? 0 : 1);
    if (check->note(alive, result, checks_.clock_.now())) tell(alive, result);
    ask_after(next_check(options_, static_cast<std::uint32_t>(chance_())));
  }
  void tell(bool up, std::string_view result) {
    checks_.metrics_.changes.add_shared(up ? 0 : 1);
    const auto where = std::string(to_string(transport_)) + '/' + to_.to_string();
    if (up)
      checks_.log_.info("proxy", "an upstream is up again", {{"upstream", where}});
    else
      checks_.log_.warn("proxy", "an upstream is down", {{"upstream", where}, {"why", result}});
  }

  Checks& checks_;
  const std::weak_ptr<Check> check_;
  const CheckOptions options_;
  const Transport transport_;
  const Endpoint to_;
  std::mt19937_64 chance_;  // the branch of a question only tells its answer from others'
  asio::steady_timer timer_, again_;
  Udp::socket udp_;
  Tcp::socket tcp_;
  std::uint64_t round_ = 0;
  Question question_;
  milliseconds pause_{};
  std::string octets_, answer_;
  std::array<char, 4096> buffer_{};
};

Checks::Checks(BuildContext& context)
    : clock_(context.clock), log_(context.log), metrics_(context.metrics), work_(io_.get_executor()) {}

Checks::~Checks() {
  stop({});
}

std::shared_ptr<Check> Checks::get(const std::shared_ptr<Target>& target, const CheckOptions& options) {
  std::lock_guard lock(mutex_);
  auto& slot = checks_[{target->transport(), target->endpoint(), options}];
  if (auto known = slot.lock()) return known;
  auto made = std::make_shared<Check>(target, options);
  slot = made;
  std::erase_if(checks_, [](const auto& entry) { return entry.second.expired(); });
  asio::post(io_, [this, weak = std::weak_ptr(made)] {
    if (const auto check = weak.lock()) std::make_shared<Probe>(*this, check)->begin();
  });
  return made;
}

void Checks::start() {
  if (thread_.joinable()) return;
  sigset_t all, before;  // signals are for the control thread
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { io_.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Checks::stop(Time) {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace sipward::proxy
