#include "runtime/dns_client.hpp"

#include <ares.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "udp/sockets.hpp"

namespace sipward {
namespace {

using Clock = std::chrono::steady_clock;
using What = LookupResult::What;

constexpr int kSrv = 33;
constexpr int kInternet = 1;
constexpr int kTimeout = 1500;  // milliseconds until a server is asked again; doubled each time
constexpr int kTries = 2;

void say_why(LookupResult& result, int status) {
  result.what = status == ARES_ENODATA || status == ARES_ENOTFOUND ? What::nothing : What::failed;
  result.why = ares_strerror(status);
}

// One question on a channel of its own: it sees the name servers as they are now, and leaves from a port that
// nobody has seen before.
class Query {
 public:
  Query(Lookup kind, std::string name, DnsClient::Done done)
      : kind_(kind),
        name_(std::move(name)),
        done_(std::move(done)),
        until_(Clock::now() + CaresClient::kPatience) {}
  ~Query() {
    abandoned_ = true;
    if (channel_) ares_destroy(channel_);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  void begin(const std::string& servers) {
    ares_options options{};
    char lookups[] = "fb";  // files, then name servers
    options.lookups = lookups;
    options.timeout = kTimeout;
    options.tries = kTries;
    int status =
        ares_init_options(&channel_, &options, ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status != ARES_SUCCESS) {
      channel_ = nullptr;
      return fail(status);
    }
    if (!servers.empty()) status = ares_set_servers_ports_csv(channel_, servers.c_str());
    if (status != ARES_SUCCESS) return fail(status);
    if (kind_ == Lookup::service)
      return ares_query(channel_, name_.c_str(), kInternet, kSrv, on_octets, this);
    ares_addrinfo_hints hints{};
    hints.ai_family = kind_ == Lookup::v4 ? AF_INET : AF_INET6;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(channel_, name_.c_str(), nullptr, &hints, on_addresses, this);
  }
  void add_sockets(std::vector<pollfd>& out) const {
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    const auto mask = static_cast<unsigned>(ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM));
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const bool reads = ARES_GETSOCK_READABLE(mask, i) != 0;
      const bool writes = ARES_GETSOCK_WRITABLE(mask, i) != 0;
      if (!reads && !writes) break;
      out.push_back({sockets[i], static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0});
    }
  }
  // What came in on a socket that add_sockets() named; closing others on the way does no harm.
  void process(const pollfd& socket) {
    const bool reads = (socket.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool writes = (socket.revents & POLLOUT) != 0;
    ares_process_fd(channel_, reads ? socket.fd : ARES_SOCKET_BAD, writes ? socket.fd : ARES_SOCKET_BAD);
  }
  void process_time() {
    ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (!finished_ && Clock::now() >= until_) ares_cancel(channel_);
  }
  // Milliseconds until process_time() has something to do, at most `most`.
  int wait(int most) const {
    timeval limit{most / 1000, most % 1000 * 1000L};
    timeval store{};
    const timeval* next = ares_timeout(channel_, &limit, &store);
    return static_cast<int>(std::min<long>(next->tv_sec * 1000 + (next->tv_usec + 999) / 1000, most));
  }
  bool finished() const { return finished_; }
  void tell() { done_(std::move(result_)); }

 private:
  void fail(int status) {
    say_why(result_, status);
    finished_ = true;
  }
  static void on_addresses(void* self, int status, int, ares_addrinfo* found) {
    static_cast<Query*>(self)->take_addresses(status, found);
    if (found) ares_freeaddrinfo(found);
  }
  void take_addresses(int status, const ares_addrinfo* found) {
    if (abandoned_) return;
    if (status != ARES_SUCCESS || !found || !found->nodes) {
      return fail(status == ARES_SUCCESS ? static_cast<int>(ARES_ENODATA) : status);
    }
    int ttl = found->nodes->ai_ttl;
    for (const auto* node = found->nodes; node; node = node->ai_next) {
      if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
      result_.addresses.push_back(Endpoint::from(node->ai_addr).address);
      ttl = std::min(ttl, node->ai_ttl);
    }
    for (const auto* alias = found->cnames; alias; alias = alias->next) ttl = std::min(ttl, alias->ttl);
    if (result_.addresses.empty()) return fail(ARES_ENODATA);
    result_.ttl = std::chrono::seconds(std::max(ttl, 0));
    result_.what = What::found;
    finished_ = true;
  }
  static void on_octets(void* self, int status, int, unsigned char* octets, int length) {
    static_cast<Query*>(self)->take_octets(status, octets, length);
  }
  void take_octets(int status, const unsigned char* octets, int length) {
    if (abandoned_) return;
    if (status != ARES_SUCCESS || !octets || length < 0) {
      return fail(status == ARES_SUCCESS ? static_cast<int>(ARES_ENODATA) : status);
    }
    auto answer = parse_srv({octets, static_cast<std::size_t>(length)});
    if (!answer) return fail(ARES_EBADRESP);
    if (answer->records.empty()) return fail(ARES_ENODATA);
    result_.records = std::move(answer->records);
    result_.ttl = answer->ttl;
    result_.what = What::found;
    finished_ = true;
  }

  Lookup kind_;
  std::string name_;
  DnsClient::Done done_;
  Clock::time_point until_;
  ares_channel channel_ = nullptr;
  LookupResult result_;
  bool finished_ = false;
  bool abandoned_ = false;
};

}  // namespace

class CaresClient::Loop {
 public:
  Loop() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
    ares_library_init(ARES_LIB_INIT_ALL);
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() {
    change([&] { stopping_ = true; });
    thread_.join();
    ares_library_cleanup();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  template <class Change>
  void change(Change&& what) {
    {
      std::lock_guard lock(mutex_);
      what();
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
  }

  struct Question {
    Lookup kind;
    std::string name;
    Done done;
  };
  std::deque<Question> waiting_;  // these three with the lock
  std::string servers_;
  bool stopping_ = false;

 private:
  // Begins what waits. False when it is time to end.
  bool begin() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(wake_.get(), &count, sizeof count);
    for (;;) {
      std::unique_lock lock(mutex_);
      if (stopping_) return false;
      if (waiting_.empty() || active_.size() >= kAtOnce) return true;
      auto question = std::move(waiting_.front());
      waiting_.pop_front();
      const auto servers = servers_;
      lock.unlock();
      auto& query = active_.emplace_back(question.kind, std::move(question.name), std::move(question.done));
      query.begin(servers);
    }
  }
  void end() {
    for (auto query = active_.begin(); query != active_.end();) {
      if (query->finished()) {
        query->tell();
        query = active_.erase(query);
      } else {
        ++query;
      }
    }
  }
  void run() {
    std::vector<pollfd> sockets;
    std::vector<Query*> owners;
    while (begin()) {
      const auto before = active_.size();
      end();
      if (active_.size() < before) continue;  // others may wait for the place
      sockets.assign(1, {wake_.get(), POLLIN, 0});
      owners.assign(1, nullptr);
      int wait = active_.empty() ? -1 : 1000;
      for (auto& query : active_) {
        query.add_sockets(sockets);
        owners.resize(sockets.size(), &query);
        wait = query.wait(wait);
      }
      if (::poll(sockets.data(), sockets.size(), wait) < 0 && errno != EINTR) continue;
      for (std::size_t i = 1; i < sockets.size(); ++i) {
        if (sockets[i].revents != 0) owners[i]->process(sockets[i]);
      }
      for (auto& query : active_) query.process_time();
    }
  }

  std::mutex mutex_;
  FileDescriptor wake_;
  std::list<Query> active_;
  std::thread thread_;
};

CaresClient::CaresClient() : loop_(std::make_unique<Loop>()) {}
CaresClient::~CaresClient() = default;

void CaresClient::use(std::vector<Endpoint> servers) {
  std::string text;
  for (std::size_t i = 0; i < std::min(servers.size(), kMaxServers); ++i) {
    text += (i == 0 ? "" : ",") + servers[i].to_string();
  }
  loop_->change([&] { loop_->servers_ = std::move(text); });
}

void CaresClient::ask(Lookup kind, std::string name, Done done) {
  loop_->change([&] { loop_->waiting_.push_back({kind, std::move(name), std::move(done)}); });
}

}  // namespace sipward
