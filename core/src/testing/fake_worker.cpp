#include "sipward/testing/fake_worker.hpp"

#include <boost/asio/io_context.hpp>

#include "runtime/own_reply.hpp"
#include "sipward/sip/reply.hpp"

namespace sipward::test {
namespace {

class Port final : public UdpPort {
 public:
  explicit Port(std::shared_ptr<FakePort> port) : port_(std::move(port)) {}
  ~Port() override { port_->open = false; }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  void send(std::string_view octets, const Endpoint* to) override {
    port_->sent.push_back({to ? std::optional(*to) : std::nullopt, std::string(octets)});
  }
  Endpoint local() const override { return port_->local; }

 private:
  std::shared_ptr<FakePort> port_;
};

}  // namespace

FakeWorker::FakeWorker(std::size_t index, std::size_t count, const Clock& clock)
    : index_(index),
      count_(count),
      clock_(clock),
      io_(std::make_unique<boost::asio::io_context>()),
      sources_(HashKey{1, 2}, Sources::Limits()) {}

FakeWorker::~FakeWorker() = default;

void FakeWorker::send(const Peer& to, std::string_view octets) {
  sent.push_back({to, std::string(octets)});
}

bool FakeWorker::deliver(Packet& packet) {
  if (outbound && !outbound(packet)) return false;
  send(packet.peer(), packet.octets());
  return true;
}

void FakeWorker::reply(Packet& request, int status, std::string_view reason, std::string_view extra) {
  replies.push_back({request.peer(), status, std::string(reason), std::string(extra)});
  const OwnTag tag = own_reply_tag(sources_.key(), request.sip());
  std::string octets;
  if (sip::make_reply(request.sip(), status, reason, tag.text(), request.peer().remote, extra, octets))
    send(request.peer(), octets);
}

void FakeWorker::watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended) {
  watches.push_back({peer, std::move(drained), std::move(ended)});
}

std::unique_ptr<UdpPort> FakeWorker::open_udp(const Endpoint& local, const Endpoint* remote,
                                              Receive receive) {
  if (refuses_ports) return nullptr;
  auto port = std::make_shared<FakePort>();
  port->local = local;
  if (local.port == 0) port->local.port = static_cast<sipward::Port>(40'000 + ports.size());
  if (remote) port->remote = *remote;
  port->receive = std::move(receive);
  ports.push_back(port);
  return std::make_unique<Port>(std::move(port));
}

FakeWorkers::FakeWorkers(std::size_t count, const Clock& clock) {
  for (std::size_t i = 0; i < count; ++i) workers_.push_back(std::make_unique<FakeWorker>(i, count, clock));
}

void FakeWorkers::run() {
  bool some = true;
  while (some) {
    some = false;
    while (!tasks_.empty()) {
      const auto [worker, task] = std::move(tasks_.front());
      tasks_.pop_front();
      task(*workers_[worker]);
    }
    for (auto& worker : workers_) {
      some = worker->io().poll() > 0 || some;
      worker->io().restart();  // it counts as stopped when nothing is left
    }
    some = some || !tasks_.empty();
  }
}

}  // namespace sipward::test
