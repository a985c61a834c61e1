#include "tcp/connections.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "routing/chain.hpp"
#include "runtime/worker_thread.hpp"

namespace sipward {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

std::string_view fault_of(StreamEnd why) {
  switch (why) {
    case StreamEnd::head_timeout:
    case StreamEnd::body_timeout:
    case StreamEnd::keep_alive_flood:
      return to_string(why);
    default:
      return {};
  }
}

// What only somebody gets whom the upstream lets in; an answer to OPTIONS says nothing.
bool vouches(const Transaction& transaction, unsigned status) {
  using sip::Method;
  const auto method = transaction.method;
  return status >= 200 && status < 300 &&
         (method == Method::register_ || method == Method::invite || method == Method::subscribe);
}

constexpr std::size_t kPaces = 1 << 12;

}  // namespace

void Connections::Client::abort(StreamEnd why) {
  if (stream) return stream->abort(why);
  if (entry) return entry->end(why);
  if (octets) octets->end(why);
}

void Connections::Client::close() {
  if (stream) return stream->close();
  abort(StreamEnd::closed_by_us);
}

struct Connections::Acceptor {
  std::uint32_t number;
  Transport transport;
  bool steered;
  tcp::acceptor socket;
  asio::steady_timer pause;
};

Connections::Limits Connections::Limits::of_process(std::size_t workers) {
  Limits limits;
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    const auto usable = static_cast<std::size_t>(std::min<rlim_t>(descriptors.rlim_cur, 1U << 30)) / 4 * 3;
    limits.per_worker = std::clamp<std::size_t>(usable / (2 * workers), 1, kMaxPerWorker);
  }
  return limits;
}

Connections::Connections(WorkerThread& worker)
    : worker_(worker),
      origins_(16, AddressHash{worker.sources().key()}),
      paces_(kPaces),
      unanswered_(worker.sources().key()),
      review_timer_(worker.io()) {}
Connections::~Connections() = default;

const StreamInfo* Connections::info(const Peer& peer) const {
  const auto it = clients_.find(peer.connection);
  return it == clients_.end() ? nullptr : it->second.info.get();
}

void Connections::listen(std::uint32_t number, FileDescriptor socket, Transport transport, bool steered) {
  if (!limits_) limits_ = Limits::of_process(worker_.count());
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size);
  const auto protocol = name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
  auto acceptor = std::make_shared<Acceptor>(Acceptor{number, transport, steered,
                                                      tcp::acceptor(worker_.io(), protocol, socket.get()),
                                                      asio::steady_timer(worker_.io())});
  socket.release();
  acceptors_[number] = acceptor;
  accept(acceptor);
}

void Connections::stop_accepting(std::uint32_t number) {
  if (const auto it = acceptors_.find(number); it != acceptors_.end()) {
    error_code ignored;
    it->second->socket.close(ignored);
    it->second->pause.cancel();
    acceptors_.erase(it);
  }
}

void Connections::stop_listening(std::uint32_t number) {
  stop_accepting(number);
  for (auto& [id, client] : clients_)
    if (client.peer.listener == number) client.close();
}

void Connections::accept(const std::shared_ptr<Acceptor>& acceptor) {
  acceptor->socket.async_accept([this, acceptor](error_code error, tcp::socket socket) {
    if (!acceptor->socket.is_open()) return;
    if (!error) {
      const WorkerThread::Batch batch(worker_);
      accepted(acceptor->number, acceptor->transport, acceptor->steered, std::move(socket));
      return accept(acceptor);
    }
    // Out of descriptors, or the client was gone already: look again in a moment instead of spinning.
    acceptor->pause.expires_after(std::chrono::milliseconds(50));
    acceptor->pause.async_wait([this, acceptor](error_code stopped) {
      if (!stopped && acceptor->socket.is_open()) accept(acceptor);
    });
  });
}

Connections::Client* Connections::find(ConnectionId id) {
  const auto it = clients_.find(id);
  return it == clients_.end() ? nullptr : &it->second;
}

const RouteServer* Connections::server_of(const Client& client) {
  return worker_.server(client.peer.listener);
}

bool Connections::is_stranger(Client& client) {
  if (client.known) return false;
  if (worker_.sources().registrations(client.peer.remote.address, worker_.now()) == 0) return true;
  client.known = true;
  if (client.stream) client.stream->favoured = true;
  if (client.place) strangers_.erase(*client.place);
  client.place.reset();
  return false;
}

bool Connections::must_wait(Client& client) {
  const auto now = worker_.now();
  return is_stranger(client) ? unanswered_.full(source_of(client.peer.remote.address), now)
                             : client.unanswered.full(now);
}

void Connections::hold(Client& client, Origin& source) {
  if (client.held) return;
  client.held = true;
  source.held.push_back(client.peer.connection);
  client.stream->hold();
  worker_.metrics().held.add(worker_.index());
  if (held_++ == 0) review_later();
}

void Connections::passed_on(const Peer& peer, std::uint64_t transaction) {
  auto* client = find(peer.connection);
  if (!client || !client->stream || transaction == answered_at_once_) return;
  const auto now = worker_.now();
  const auto address = source_of(peer.remote.address);
  auto& source = origins_[address];
  if (!is_stranger(*client)) {
    client->unanswered.add(transaction, now);
    if (client->unanswered.full(now)) hold(*client, source);
    return;
  }
  unanswered_.add(address, peer.connection, transaction, now);
  if (!unanswered_.full(address, now)) return;
  for (const auto id : source.connections)
    if (auto* other = find(id); other && !other->held && must_wait(*other)) hold(*other, source);
}

void Connections::answered(const Peer& peer, const Transaction& transaction, const sip::Message& answer) {
  if (answer.kind() != sip::Kind::response || answer.status() <= 100) return;
  answered_at_once_ = transaction.key;
  const auto address = source_of(peer.remote.address);
  unanswered_.remove(address, transaction.key, worker_.now());
  if (auto* client = find(peer.connection)) {
    client->unanswered.remove(transaction.key);
    if (!client->known && client->stream && vouches(transaction, answer.status())) {
      client->known = client->stream->favoured = true;
      if (client->place) strangers_.erase(*client->place);
      client->place.reset();
    }
  }
  if (const auto source = origins_.find(address); source != origins_.end()) review(source->second);
}

// Lets go on whoever needs to wait no longer.
void Connections::review(Origin& source) {
  std::erase_if(source.held, [&](ConnectionId id) {
    auto* client = find(id);
    if (client && must_wait(*client)) return false;
    if (client) {
      client->held = false;
      if (client->stream) client->stream->release();
    }
    --held_;
    return true;
  });
}

// For answers that never come.
void Connections::review_later() {
  review_timer_.expires_after(std::chrono::seconds(1));
  review_timer_.async_wait([this](error_code stopped) {
    if (stopped) return;
    const WorkerThread::Batch batch(worker_);
    for (auto& [address, source] : origins_) review(source);
    if (held_ != 0) review_later();
  });
}

void Connections::on_message(SipStream& stream, std::string_view octets) {
  const auto* client = find(stream.id);
  if (!client) return;
  if (client->place) strangers_.splice(strangers_.end(), strangers_, *client->place);
  answered_at_once_ = 0;
  worker_.inbound(client->peer, octets, WorkerThread::Inbound::message);
}

void Connections::on_keep_alive(SipStream& stream) {
  auto* client = find(stream.id);
  if (!client) return;
  client->kept_alive = true;
  worker_.inbound(client->peer, {}, WorkerThread::Inbound::keep_alive);
}

void Connections::on_framing_error(SipStream& stream, sip::FramingError error, std::string_view head) {
  worker_.metrics().framing_errors.add(worker_.index(), static_cast<std::size_t>(error));
  const auto* client = find(stream.id);
  if (!client) return;
  if (!head.empty()) return worker_.inbound(client->peer, head, WorkerThread::Inbound::message);
  tell(*client, to_string(error));
}

void Connections::tell(const Client& client, std::string_view fault) {
  const auto* server = server_of(client);
  if (!server) return;
  const Source source{client.peer.remote, client.peer.local, client.peer.transport};
  worker_.shielded([&] { tell_fault(*server, worker_, source, fault); });
}

void Connections::on_drained(SipStream& stream) {
  const auto* client = find(stream.id);
  if (!client) return;
  for (const auto& watcher : client->watchers)
    if (watcher.drained) watcher.drained();
}

bool Connections::may_stay_idle(SipStream& stream) {
  auto* client = find(stream.id);
  if (!client) return false;
  if (worker_.sources().registrations(client->peer.remote.address, worker_.now()) > 0) return true;
  return client->known && std::exchange(client->kept_alive, false);
}

void Connections::on_ended(SipStream& stream, StreamEnd why) {
  forget(stream.id, why, why == StreamEnd::layer ? stream.fault() : fault_of(why));
}

void Connections::forget(ConnectionId id, StreamEnd why, std::string_view fault) {
  const auto it = clients_.find(id);
  if (it == clients_.end()) return;
  auto client = std::move(it->second);
  clients_.erase(it);
  if (client.place) strangers_.erase(*client.place);
  if (why == StreamEnd::closed_by_us)
    unanswered_.forget(source_of(client.peer.remote.address), id, worker_.now());
  leave_origin(client);
  worker_.metrics().connections_ended.add(worker_.index(), static_cast<std::size_t>(why));
  if (!fault.empty()) tell(client, fault);
  for (const auto& watcher : client.watchers)
    if (watcher.ended) watcher.ended();
}

void Connections::leave_origin(Client& client) {
  if (!client.counted) return;
  client.counted = false;
  const auto source = origins_.find(source_of(client.peer.remote.address));
  if (source == origins_.end()) return;
  std::erase(source->second.connections, client.peer.connection);
  review(source->second);  // what was held is no more
  if (source->second.connections.empty()) origins_.erase(source);
}

void Connections::send(const Peer& peer, std::string_view octets) {
  if (auto* client = find(peer.connection); client && client->stream) client->stream->send(octets);
}

std::size_t Connections::queued(const Peer& peer) const {
  const auto it = clients_.find(peer.connection);
  return it == clients_.end() || !it->second.stream ? 0 : it->second.stream->queued();
}

void Connections::pause(const Peer& peer) {
  if (auto* client = find(peer.connection); client && client->stream) client->stream->pause();
}

void Connections::resume(const Peer& peer) {
  if (auto* client = find(peer.connection); client && client->stream) client->stream->resume();
}

void Connections::delay(const Peer& peer, Duration time) {
  if (auto* client = find(peer.connection); client && client->stream) client->stream->delay(time);
}

void Connections::close(const Peer& peer) {
  if (auto* client = find(peer.connection)) client->close();
}

void Connections::watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended) {
  if (auto* client = find(peer.connection)) {
    client->watchers.push_back({std::move(drained), std::move(ended)});
  } else if (ended) {
    asio::post(worker_.io(), std::move(ended));
  }
}

void Connections::close_source(const Cidr& prefix) {
  for (auto& [id, client] : clients_)
    if (prefix.contains(client.peer.remote.address)) client.abort(StreamEnd::closed_by_us);
}

void Connections::close_all(bool at_once) {
  for (auto& [number, acceptor] : acceptors_) {
    error_code ignored;
    acceptor->socket.close(ignored);
    acceptor->pause.cancel();
  }
  acceptors_.clear();
  for (auto& [id, client] : clients_) at_once ? client.abort(StreamEnd::closed_by_us) : client.close();
}

}  // namespace sipward
