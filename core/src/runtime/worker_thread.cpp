#include "runtime/worker_thread.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <exception>

#include "routing/chain.hpp"
#include "runtime/own_reply.hpp"
#include "runtime/worker_pool.hpp"
#include "sipward/sip/datagram.hpp"
#include "sipward/sip/reply.hpp"
#include "sipward/udp_errors.hpp"

namespace sipward {

// A socket that clients send to.
class WorkerThread::UdpListener final : public Pollable {
 public:
  UdpListener(WorkerThread& worker, std::uint32_t listener_number, FileDescriptor socket, bool v6,
              const Endpoint& address, bool is_steered)
      : number(listener_number),
        bound(address),
        steered(is_steered),
        worker_(worker),
        socket_(std::move(socket)) {
    target.fd = socket_.get();
    target.v6 = v6;
    target.choose_source = bound.address.is_unspecified();
    worker_.poller_.add(target.fd, *this);
  }
  ~UdpListener() override {
    worker_.poller_.remove(target.fd, *this);
    worker_.queue_.forget(target);
  }
  bool readable() override {
    worker_.went_on_ = false;
    const auto result = worker_.ring_.drain(
        target.fd, false, [this](const ReceiveRing::Datagram& d) { worker_.datagram(*this, d); },
        [this](std::size_t count) { worker_.foresee(number, count); });
    if (result.truncated != 0)
      worker_.metrics_.datagrams.add(worker_.index_, RuntimeMetrics::truncated, result.truncated);
    return worker_.went_on_ || !result.emptied;
  }

  SendTarget target;
  std::uint32_t number;
  Endpoint bound;
  bool steered;

 private:
  WorkerThread& worker_;
  FileDescriptor socket_;
};

// A socket that a handler opened towards an upstream.
class WorkerThread::ClientPort final : public UdpPort, public UdpErrors, public Pollable {
 public:
  ClientPort(WorkerThread& worker, FileDescriptor socket, bool v6, bool connected, Receive receive)
      : worker_(worker), socket_(std::move(socket)), receive_(std::move(receive)) {
    target_.fd = socket_.get();
    target_.v6 = v6;
    target_.connected = connected;
  }
  ~ClientPort() override {
    worker_.poller_.remove(target_.fd, *this);
    worker_.queue_.forget(target_);
  }
  bool watch() { return worker_.poller_.add(target_.fd, *this); }
  bool readable() override {
    const auto result = worker_.ring_.drain(
        target_.fd, target_.connected,
        [this](const ReceiveRing::Datagram& d) { worker_.shielded([&] { receive_(d.from, d.octets); }); },
        [](std::size_t) {});
    if (result.icmp_error && failed_) worker_.shielded([&] { failed_(); });
    return true;
  }
  void send(std::string_view octets, const Endpoint* to) override {
    worker_.queue_.add(target_, octets, to, nullptr);
    if (worker_.depth_ == 0) worker_.queue_.flush();
  }
  void on_error(std::function<void()> failed) override { failed_ = std::move(failed); }
  Endpoint local() const override {
    sockaddr_in6 name{};
    socklen_t size = sizeof name;
    if (getsockname(target_.fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
    return Endpoint::from(reinterpret_cast<const sockaddr*>(&name));
  }

 private:
  WorkerThread& worker_;
  FileDescriptor socket_;
  SendTarget target_;
  Receive receive_;
  std::function<void()> failed_;
};

WorkerThread::WorkerThread(const Setup& setup)
    : index_(setup.index),
      pool_(setup.pool),
      clock_(setup.clock),
      log_(setup.log),
      metrics_(setup.metrics),
      sources_(setup.key, setup.limits),
      routing_(setup.routing),
      work_(boost::asio::make_work_guard(io_)),
      poller_(io_, *this),
      connections_(*this),
      packet_(*this, Direction::inbound) {}

// What was posted since the thread ended is run here, while what it may end is still there.
WorkerThread::~WorkerThread() {
  winding_up_ = true;
  io_.restart();
  io_.poll();
}

void WorkerThread::start() {
  thread_ = std::thread([this] {
    for (;;) try {
        io_.run();
        return;
      } catch (const std::exception& e) {
        handler_failed(e.what());
      }
  });
}

void WorkerThread::join() {
  if (thread_.joinable()) thread_.join();
}

void WorkerThread::wind_up() {
  io_.restart();
  listeners_.clear();
  connections_.close_all(true);
  refresh_routing();
  io_.poll();
  winding_up_ = true;
}

void WorkerThread::post_to(std::size_t worker, std::function<void(Worker&)> task) {
  pool_.post(worker, std::move(task));
}

std::size_t WorkerThread::count() const {
  return pool_.count();
}

void WorkerThread::open_udp_listener(std::uint32_t number, FileDescriptor socket, bool v6,
                                     const Endpoint& bound, bool steered) {
  if (listeners_.size() <= number) listeners_.resize(number + 1);
  listeners_[number] = std::make_unique<UdpListener>(*this, number, std::move(socket), v6, bound, steered);
}

void WorkerThread::close_listener(std::uint32_t number) {
  if (number < listeners_.size()) listeners_[number].reset();
  connections_.stop_listening(number);
}

void WorkerThread::batch_begins() {
  if (depth_++ == 0) now_ = clock_.now();
}

void WorkerThread::batch_ends() {
  if (depth_ > 1) {
    --depth_;
    return;
  }
  for (std::size_t i = 0; i < ends_.size(); ++i) {  // an end may cause another
    auto& end = *ends_[i];
    end.queued_ = false;
    shielded([&] { end.batch_end(); });
  }
  ends_.clear();
  --depth_;
  if (queue_.empty()) return;
  queue_.flush();
  const auto& counts = queue_.counts();
  metrics_.sent.add(index_, 0, counts.sent - counted_.sent);
  if (counts.failed != counted_.failed) metrics_.send_failed.add(index_, 0, counts.failed - counted_.failed);
  counted_ = counts;
}

void WorkerThread::at_batch_end(BatchEnd& end) {
  if (depth_ == 0) return end.batch_end();
  if (end.queued_) return;
  end.queued_ = true;
  ends_.push_back(&end);
}

// Tells those handlers that want to know whose datagrams wait in the ring.
void WorkerThread::foresee(std::uint32_t listener, std::size_t count) {
  const auto* target = server(listener);
  if (count < 2 || !target || target->foresights.empty()) return;
  std::array<Address, ReceiveRing::kSlots> sources;
  for (std::size_t i = 0; i < count; ++i) sources[i] = ring_.from(i);
  for (const auto* foresight : target->foresights) foresight->foresee(*this, {sources.data(), count});
}

void WorkerThread::datagram(UdpListener& listener, const ReceiveRing::Datagram& d) {
  const auto kind = sip::classify(d.octets);
  const auto* target = server(listener.number);
  const bool any = target && target->raw;  // some route takes whatever comes
  switch (kind) {
    case sip::Datagram::sip:
      metrics_.datagrams.add(index_, RuntimeMetrics::sip);
      break;
    case sip::Datagram::keep_alive:
      metrics_.datagrams.add(index_, RuntimeMetrics::keep_alive);
      break;
    case sip::Datagram::stun:
      metrics_.datagrams.add(index_, RuntimeMetrics::stun);
      break;
    case sip::Datagram::rtp:
      metrics_.datagrams.add(index_, RuntimeMetrics::rtp);
      break;
    case sip::Datagram::dtls:
      metrics_.datagrams.add(index_, RuntimeMetrics::dtls);
      break;
    case sip::Datagram::short_noise:
      metrics_.datagrams.add(index_, RuntimeMetrics::short_noise);
      break;
  }
  const bool sip = kind == sip::Datagram::sip || kind == sip::Datagram::keep_alive;
  if (!sip && !any) return;
  if (d.from.port == 0) return;  // nobody can be answered there; a forger's favourite
  Peer peer;
  peer.remote = d.from;
  peer.local = listener.bound;
  if (!d.to.is_unspecified()) peer.local.address = d.to;
  peer.listener = listener.number;
  const auto what = kind == sip::Datagram::keep_alive ? Inbound::keep_alive
                    : sip                             ? Inbound::message
                                                      : Inbound::raw;
  if (!listener.steered) {
    const auto owner_index = owner(d.from.address);
    if (owner_index != index_) {
      auto& waiting = pool_[owner_index].handed_;
      if (waiting.load(std::memory_order_relaxed) >= kMaxHanded)
        return metrics_.dropped.add(index_, RuntimeMetrics::overloaded);
      waiting.fetch_add(1, std::memory_order_relaxed);
      metrics_.handed_over.add(index_);
      went_on_ = true;
      pool_.post(owner_index, [peer, octets = std::string(d.octets), what](Worker& worker) {
        auto& thread = static_cast<WorkerThread&>(worker);
        thread.handed_.fetch_sub(1, std::memory_order_relaxed);
        thread.inbound(peer, octets, what);
      });
      return;
    }
  }
  inbound(peer, d.octets, what);
}

void WorkerThread::inbound(const Peer& peer, std::string_view octets, Inbound what) {
  const auto* target = server(peer.listener);
  if (!target) return metrics_.dropped.add(index_, RuntimeMetrics::no_route);
  packet_.assign(peer, octets);
  packet_.set_keep_alive(what == Inbound::keep_alive);
  packet_.set_raw(what == Inbound::raw);
  try {
    switch (run_inbound(*target, packet_)) {
      case ChainEnd::handled:
        went_on_ = true;
        if (is_stream(peer.transport)) passed_on();
        break;
      case ChainEnd::dropped:
      case ChainEnd::refused:
        metrics_.dropped.add(index_, RuntimeMetrics::by_handler);
        break;
      case ChainEnd::own_ack:
        went_on_ = true;
        metrics_.dropped.add(index_, RuntimeMetrics::own_ack);
        break;
      case ChainEnd::unmatched:
        metrics_.dropped.add(index_, RuntimeMetrics::unmatched);
        break;
      case ChainEnd::unhandled:
        if (what != Inbound::keep_alive) metrics_.dropped.add(index_, RuntimeMetrics::unhandled);
        break;
    }
  } catch (const std::exception& e) {
    handler_failed(e.what());
  }
}

// A request that somebody will answer: until then its connection is that much nearer to its limit.
void WorkerThread::passed_on() {
  if (packet_.is_keep_alive() || packet_.is_raw() || packet_.sip().kind() != sip::Kind::request ||
      packet_.sip().method() == sip::Method::ack)
    return;
  if (const auto* transaction = packet_.transaction())
    connections_.passed_on(packet_.peer(), transaction->key);
}

bool WorkerThread::deliver(Packet& packet) {
  const auto& peer = packet.peer();
  const auto* target = server(peer.listener);
  if (!target) {
    metrics_.dropped.add(index_, RuntimeMetrics::no_route);
    return false;
  }
  try {
    const auto end = run_outbound(*target, packet);
    if (is_stream(peer.transport) && !packet.is_keep_alive() && !packet.is_raw()) {
      if (const auto* transaction = packet.transaction())
        connections_.answered(peer, *transaction, packet.sip());
    }
    if (end != ChainEnd::handled) {
      metrics_.dropped.add(
          index_, end == ChainEnd::unmatched ? RuntimeMetrics::no_route : RuntimeMetrics::by_handler);
      return false;
    }
  } catch (const std::exception& e) {
    handler_failed(e.what());
    return false;
  }
  if (packet.is_keep_alive() || packet.is_raw()) {
    send(peer, packet.octets());
    return true;
  }
  auto& message = packet.sip();
  if (message.kind() == sip::Kind::not_sip || !message.framed()) {
    metrics_.dropped.add(index_, RuntimeMetrics::unframed);
    return false;
  }
  sources_.outbound(message, peer, packet.transaction(), now());
  send(peer, message.octets());
  return true;
}

void WorkerThread::reply(Packet& request, int status, std::string_view reason, std::string_view extra) {
  auto& message = request.sip();
  const OwnTag tag = own_reply_tag(sources_.key(), message);
  if (sip::make_reply(message, status, reason, tag.text(), request.peer().remote, extra, reply_))
    send(request.peer(), reply_);
}

void WorkerThread::send(const Peer& to, std::string_view octets) {
  if (is_stream(to.transport)) return connections_.send(to, octets);
  if (to.listener >= listeners_.size() || !listeners_[to.listener]) return;
  queue_.add(listeners_[to.listener]->target, octets, &to.remote, &to.local.address);
  if (depth_ == 0) queue_.flush();
}

void WorkerThread::watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended) {
  connections_.watch(peer, std::move(drained), std::move(ended));
}

std::unique_ptr<UdpPort> WorkerThread::open_udp(const Endpoint& local, const Endpoint* remote,
                                                Receive receive) {
  bool v6 = false;
  auto socket = open_udp_client(local, remote, v6);
  if (!socket) return nullptr;
  auto port =
      std::make_unique<ClientPort>(*this, std::move(socket), v6, remote != nullptr, std::move(receive));
  if (!port->watch()) return nullptr;
  return port;
}

void WorkerThread::hand_over_connection(std::size_t owner_index, std::uint32_t number, Transport transport,
                                        int fd) {
  metrics_.handed_over.add(index_);
  pool_.post(owner_index, [number, transport, socket = std::make_shared<FileDescriptor>(fd)](Worker& worker) {
    static_cast<WorkerThread&>(worker).connections().adopt(number, transport, std::move(*socket));
  });
}

void WorkerThread::handler_failed(std::string_view what) {
  metrics_.dropped.add(index_, RuntimeMetrics::handler_error);
  std::uint64_t suppressed = 0;
  if (handler_errors_.allow(clock_.now(), suppressed))
    log_.error("core", "a handler failed; its message was dropped",
               {{"what", what}, {"suppressed", std::to_string(suppressed)}});
}

}  // namespace sipward
