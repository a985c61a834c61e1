#include "runtime/notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "runtime/heartbeat.hpp"
#include "sipward/testing/fake_host.hpp"

using namespace sipward;
using namespace std::chrono_literals;

namespace {

// What a service manager listens with.
class Manager {
 public:
  enum class Name { path, abstract };
  explicit Manager(Name kind) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t size = sizeof(sa_family_t);  // the kernel picks an abstract name
    if (kind == Name::path) {
      auto folder = (std::filesystem::temp_directory_path() / "sipward-notify-XXXXXX").string();
      REQUIRE(mkdtemp(folder.data()));
      folder_ = folder;
      name_ = (folder_ / "notify").string();
      REQUIRE(name_.size() < sizeof address.sun_path);
      std::memcpy(address.sun_path, name_.c_str(), name_.size() + 1);
      size = sizeof address;
    }
    socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    if (kind == Name::path) return;
    size = sizeof address;
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    name_ = '@' + std::string(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
  }
  ~Manager() {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  const std::string& name() const { return name_; }
  // The next report; a datagram between sockets of one machine is there when send() has returned.
  std::string heard() const {
    std::array<char, 2048> buffer;
    const auto n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    return n < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(n));
  }

 private:
  std::filesystem::path folder_;
  std::string name_;
  FileDescriptor socket_;
};

config::Environment with(const std::map<std::string, std::string>& variables) {
  config::Environment environment;
  environment.variable = [variables](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  };
  return environment;
}

// Workers that answer only when they are told to.
class SlowWorkers final : public Workers {
 public:
  std::size_t count() const override { return 2; }
  std::size_t owner(const Address&) const override { return 0; }
  void post(std::size_t worker, std::function<void(Worker&)> task) override {
    queues[worker].push_back(std::move(task));
  }
  void post_all(std::function<void(Worker&)> task) override {
    for (std::size_t i = 0; i < count(); ++i) post(i, task);
  }
  void run(std::size_t worker) {
    auto tasks = std::exchange(queues[worker], {});
    test::FakeClock clock;
    test::FakeWorker there(worker, count(), clock);
    for (auto& task : tasks) task(there);
  }
  std::array<std::vector<std::function<void(Worker&)>>, 2> queues;
};

}  // namespace

TEST_CASE("the service manager hears of readiness, reload, stop and life") {
  for (const auto kind : {Manager::Name::path, Manager::Name::abstract}) {
    const Manager manager(kind);
    Notifier notifier(with({{"NOTIFY_SOCKET", manager.name()}}));
    CHECK(notifier.wanted());
    notifier.ready("serving udp/:5060\nand more");
    CHECK(manager.heard() == "READY=1\nSTATUS=serving udp/:5060\nMAINPID=" + std::to_string(getpid()) + "\n");
    notifier.reloading(Time(123s));
    CHECK(manager.heard() == "RELOADING=1\nMONOTONIC_USEC=123000000\n");
    notifier.stopping();
    CHECK(manager.heard() == "STOPPING=1\n");
    notifier.alive();
    CHECK(manager.heard() == "WATCHDOG=1\n");
    CHECK(manager.heard().empty());
  }
}

TEST_CASE("without a manager, or with a name that is none, nothing is reported") {
  const auto too_long = "/" + std::string(200, 'x');
  for (const std::string name :
       {"", "@", "/", "relative", "vsock:2:1", "/nonexistent/notify", too_long.c_str()}) {
    CAPTURE(name);
    Notifier notifier(with({{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", "1000000"}}));
    CHECK_FALSE(notifier.wanted());
    CHECK(notifier.watchdog() == std::nullopt);
    notifier.ready("serving");
  }
  CHECK_FALSE(Notifier(with({})).wanted());
  CHECK_FALSE(Notifier(config::Environment()).wanted());
}

TEST_CASE("the watchdog is fed when it watches this very process") {
  const Manager manager(Manager::Name::abstract);
  const auto watchdog = [&](std::map<std::string, std::string> variables) {
    variables["NOTIFY_SOCKET"] = manager.name();
    return Notifier(with(variables)).watchdog();
  };
  CHECK(watchdog({{"WATCHDOG_USEC", "2000000"}}) == 2s);
  CHECK(watchdog({{"WATCHDOG_USEC", "2000000"}, {"WATCHDOG_PID", std::to_string(getpid())}}) == 2s);
  CHECK(watchdog({{"WATCHDOG_USEC", "2000000"}, {"WATCHDOG_PID", "1"}}) == std::nullopt);
  for (const char* wrong : {"0", "-5", "soon", ""})
    CHECK(watchdog({{"WATCHDOG_USEC", wrong}}) == std::nullopt);
}

TEST_CASE("one worker that hangs silences the heartbeat, and its queue does not grow") {
  boost::asio::io_context control;
  SlowWorkers workers;
  int beats = 0;
  Heartbeat heartbeat(control, workers);
  heartbeat.start(1us, [&] { ++beats; });
  CHECK(beats == 0);
  workers.run(0);
  for (int i = 0; i < 5; ++i) control.run_one();  // five rounds
  CHECK(beats == 0);
  CHECK(workers.queues[1].size() == 1);
  workers.run(1);
  control.run_one();
  CHECK(beats == 1);
  CHECK(workers.queues[0].size() == 1);
  heartbeat.stop();
}
