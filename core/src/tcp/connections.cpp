#include "tcp/connections.hpp"

#include <algorithm>
#include <vector>

#include "routing/chain.hpp"
#include "runtime/worker_thread.hpp"

namespace sipward {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

Endpoint to_endpoint(const tcp::endpoint& e) {
  return Endpoint::from(e.data());
}

// What limits per source count: one address, or an IPv6 /64.
Address source_of(const Address& address) {
  return address.is_v4() ? address : address.masked(64);
}

std::string_view fault_of(StreamEnd why) {
  return why == StreamEnd::head_timeout || why == StreamEnd::body_timeout ? to_string(why)
                                                                          : std::string_view();
}

}  // namespace

struct Connections::Acceptor {
  std::uint32_t number;
  Transport transport;
  bool steered;
  tcp::acceptor socket;
  asio::steady_timer pause;
};

Connections::Connections(WorkerThread& worker) : worker_(worker) {}
Connections::~Connections() = default;

void Connections::listen(std::uint32_t number, FileDescriptor socket, Transport transport, bool steered) {
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
    if (client.peer.listener == number) client.stream->close();
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

void Connections::adopt(std::uint32_t number, Transport transport, int fd) {
  error_code error;
  tcp::socket socket(worker_.io());
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  socket.assign(name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, error);
  if (!error) accepted(number, transport, true, std::move(socket));
}

void Connections::accepted(std::uint32_t number, Transport transport, bool steered, tcp::socket socket) {
  error_code remote_error, local_error;
  const auto remote = socket.remote_endpoint(remote_error);
  const auto local = socket.local_endpoint(local_error);
  if (remote_error || local_error) return;
  Peer peer;
  peer.remote = to_endpoint(remote);
  peer.local = to_endpoint(local);
  peer.transport = transport;
  peer.listener = number;
  if (!steered) {
    const auto owner = worker_.owner(peer.remote.address);
    if (owner != worker_.index()) {
      error_code error;
      const int fd = socket.release(error);
      if (!error) worker_.hand_over_connection(owner, number, transport, fd);
      return;
    }
  }
  const auto& metrics = worker_.metrics();
  const auto* server = worker_.server(number);
  if (!server) return;
  const auto source = source_of(peer.remote.address);
  const auto known = per_source_.find(source);
  const auto have = known == per_source_.end() ? 0 : known->second;
  if (clients_.size() >= kMaxPerWorker ||
      (have >= kMaxPerSource &&
       have >= kMaxPerSource + worker_.sources().registrations(peer.remote.address, worker_.now()))) {
    metrics.connections.add(worker_.index(), RuntimeMetrics::too_many);
    return;
  }
  bool admitted = false;
  worker_.shielded([&] { admitted = admit(*server, worker_, {peer.remote, peer.local, transport}); });
  if (!admitted) {
    metrics.connections.add(worker_.index(), RuntimeMetrics::refused);
    return;
  }
  metrics.connections.add(worker_.index(), RuntimeMetrics::accepted);
  // Unique in the process: the worker's number stands in the upper octets.
  peer.connection = ++last_id_ | (static_cast<ConnectionId>(worker_.index() + 1) << 48);
  SipStream::Options options;
  options.idle = server->idle_timeout;
  auto stream = std::make_shared<SipStream>(worker_, std::move(socket), *this, options);
  stream->id = peer.connection;
  ++per_source_[source];
  clients_.emplace(peer.connection, Client{stream, peer, {}, {}});
  stream->start();
}

Connections::Client* Connections::find(ConnectionId id) {
  const auto it = clients_.find(id);
  return it == clients_.end() ? nullptr : &it->second;
}

const RouteServer* Connections::server_of(const Client& client) {
  return worker_.server(client.peer.listener);
}

void Connections::on_message(SipStream& stream, std::string_view octets) {
  const auto* client = find(stream.id);
  if (!client) return;
  worker_.inbound(client->peer, octets, false);
}

void Connections::on_keep_alive(SipStream& stream) {
  const auto* client = find(stream.id);
  if (client) worker_.inbound(client->peer, {}, true);
}

void Connections::on_framing_error(SipStream& stream, sip::FramingError error, std::string_view head) {
  const auto* client = find(stream.id);
  if (!client) return;
  if (!head.empty()) return worker_.inbound(client->peer, head, false);
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
  if (client && client->drained) client->drained();
}

bool Connections::may_stay_idle(SipStream& stream) {
  const auto* client = find(stream.id);
  return client && worker_.sources().registrations(client->peer.remote.address, worker_.now()) > 0;
}

void Connections::on_ended(SipStream& stream, StreamEnd why) {
  const auto it = clients_.find(stream.id);
  if (it == clients_.end()) return;
  auto client = std::move(it->second);
  clients_.erase(it);
  const auto count = per_source_.find(source_of(client.peer.remote.address));
  if (count != per_source_.end() && --count->second == 0) per_source_.erase(count);
  worker_.metrics().connections_ended.add(worker_.index(), static_cast<std::size_t>(why));
  if (const auto fault = fault_of(why); !fault.empty()) tell(client, fault);
  if (client.ended) client.ended();
}

void Connections::send(const Peer& peer, std::string_view octets) {
  if (auto* client = find(peer.connection)) client->stream->send(octets);
}

std::size_t Connections::queued(const Peer& peer) const {
  const auto it = clients_.find(peer.connection);
  return it == clients_.end() ? 0 : it->second.stream->queued();
}

void Connections::pause(const Peer& peer) {
  if (auto* client = find(peer.connection)) client->stream->pause();
}

void Connections::resume(const Peer& peer) {
  if (auto* client = find(peer.connection)) client->stream->resume();
}

void Connections::close(const Peer& peer) {
  if (auto* client = find(peer.connection)) client->stream->close();
}

void Connections::watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended) {
  if (auto* client = find(peer.connection)) {
    client->drained = std::move(drained);
    client->ended = std::move(ended);
  } else if (ended) {
    asio::post(worker_.io(), std::move(ended));
  }
}

void Connections::close_source(const Cidr& prefix) {
  for (auto& [id, client] : clients_)
    if (prefix.contains(client.peer.remote.address)) client.stream->abort(StreamEnd::closed_by_us);
}

void Connections::close_all(bool at_once) {
  for (auto& [number, acceptor] : acceptors_) {
    error_code ignored;
    acceptor->socket.close(ignored);
    acceptor->pause.cancel();
  }
  acceptors_.clear();
  for (auto& [id, client] : clients_)
    at_once ? client.stream->abort(StreamEnd::closed_by_us) : client.stream->close();
}

}  // namespace sipward
