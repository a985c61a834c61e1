#include <boost/asio/post.hpp>

#include <utility>

#include "routing/chain.hpp"
#include "runtime/worker_thread.hpp"
#include "sipward/socket_stream.hpp"
#include "tcp/connections.hpp"
#include "tcp/prefixed_stream.hpp"

// How a connection comes in: who may, what it goes through, and what becomes of it.
namespace sipward {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

Endpoint to_endpoint(const tcp::endpoint& e) {
  return Endpoint::from(e.data());
}

Source source_of_peer(const Peer& peer) {
  return {peer.remote, peer.local, peer.transport};
}

// A socket that another worker accepted.
tcp::socket open_socket(asio::io_context& io, FileDescriptor fd, error_code& error) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size);
  tcp::socket socket(io);
  socket.assign(name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd.get(), error);
  if (!error) fd.release();
  return socket;
}

}  // namespace

void Connections::adopt(std::uint32_t number, Transport transport, FileDescriptor fd) {
  error_code error;
  auto socket = open_socket(worker_.io(), std::move(fd), error);
  if (!error) accepted(number, transport, true, std::move(socket));
}

bool Connections::within_pace(const Address& address) {
  const auto now = worker_.now();
  const auto hash = keyed_hash(worker_.sources().key(), source_of(address));
  bool made = false;
  auto& pace = paces_.insert(hash == 0 ? 1 : hash, now, made);
  const auto burst = static_cast<double>(limits_->burst);
  if (made) {
    pace.left = burst;
  } else {
    const auto earned = std::chrono::duration<double>(now - pace.at).count();
    pace.left = std::min(burst, pace.left + earned * static_cast<double>(limits_->per_second));
  }
  pace.at = now;
  pace.expires = now + std::chrono::minutes(1);
  if (pace.left < 1) return false;
  pace.left -= 1;
  return true;
}

// Takes the place of the stranger that has said nothing for longest. Looks at a few only.
bool Connections::make_place() {
  for (int looked = 0; looked < 8 && !strangers_.empty(); ++looked) {
    auto& client = *find(strangers_.front());
    if (!is_stranger(client)) continue;  // has left the list now
    strangers_.erase(*client.place);
    client.place.reset();
    client.abort(StreamEnd::displaced);
    return true;
  }
  return false;
}

bool Connections::has_room(const Address& address) {
  const auto refuse = [&](RuntimeMetrics::Connection why) {
    worker_.metrics().connections.add(worker_.index(), why);
    return false;
  };
  const auto known = origins_.find(source_of(address));
  const auto have = known == origins_.end() ? 0 : known->second.connections.size();
  const auto registered = worker_.sources().regulars(address, worker_.now());
  if (have >= limits_->per_source && have - limits_->per_source >= registered)
    return refuse(RuntimeMetrics::too_many);
  if (registered == 0 && !within_pace(address)) return refuse(RuntimeMetrics::too_fast);
  return true;
}

bool Connections::may_come(const RouteServer& server, const Source& source) {
  if (!has_room(source.remote.address)) return false;
  bool admits = false;
  worker_.shielded([&] { admits = admit(server, worker_, source); });
  if (!admits) worker_.metrics().connections.add(worker_.index(), RuntimeMetrics::refused);
  return admits;
}

bool Connections::find_place() {
  if (clients_.size() < limits_->per_worker || make_place()) return true;
  worker_.metrics().connections.add(worker_.index(), RuntimeMetrics::full);
  return false;
}

void Connections::accepted(std::uint32_t number, Transport transport, bool steered, tcp::socket socket) {
  error_code remote_error, local_error;
  const auto remote = socket.remote_endpoint(remote_error);
  const auto local = socket.local_endpoint(local_error);
  if (remote_error || local_error)
    return worker_.metrics().connections.add(worker_.index(), RuntimeMetrics::gone);
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
  const auto server = worker_.shared_server(number);
  if (!server) return;
  const auto source = source_of_peer(peer);
  const bool relay = server->layered && relays(*server, source);
  if ((!relay && !may_come(*server, source)) || !find_place()) return;
  worker_.metrics().connections.add(worker_.index(), RuntimeMetrics::accepted);
  auto& client = enlist(peer, !relay);
  auto stream = std::make_unique<SocketStream>(std::move(socket));
  if (!server->layered && !server->raw)
    return cut_into_messages(client, std::move(stream), {}, server->idle_timeout);
  enter(client, server, std::move(stream), transport);
}

Connections::Client& Connections::enlist(const Peer& accepted, bool counted) {
  auto peer = accepted;
  // Unique in the process: the worker's number stands in the upper octets.
  peer.connection = ++last_id_ | (static_cast<ConnectionId>(worker_.index() + 1) << 48);
  auto& client = clients_[peer.connection];
  client.peer = peer;
  client.counted = counted;
  if (counted) origins_[source_of(peer.remote.address)].connections.push_back(peer.connection);
  client.place = strangers_.insert(strangers_.end(), peer.connection);
  return client;
}

void Connections::cut_into_messages(Client& client, std::unique_ptr<ByteStream> below, std::string_view first,
                                    Duration idle) {
  SipStream::Options options;
  options.idle = idle;
  options.read_until_queued = limits_->read_until_queued;
  options.keep_alives = limits_->keep_alives;
  auto stream = std::make_shared<SipStream>(worker_, std::move(below), *this, options);
  stream->id = client.peer.connection;
  client.stream = stream;
  if (must_wait(client)) hold(client, origins_[source_of(client.peer.remote.address)]);
  stream->start(first);
}

void Connections::enter(Client& client, std::shared_ptr<const RouteServer> server,
                        std::unique_ptr<ByteStream> stream, Transport accepted) {
  client.info = std::make_unique<StreamInfo>();
  client.info->source = source_of_peer(client.peer);
  client.info->source.transport = Transport::tcp;  // what its layers make of it comes with them
  client.info->accepted = accepted;
  client.info->idle_timeout = server->idle_timeout;
  auto entry =
      std::make_shared<StreamEntry>(worker_, std::move(server), std::move(stream), *client.info, *this);
  entry->id = client.peer.connection;
  client.entry = entry;
  entry->start();
}

StreamEntry::Then Connections::on_layer_ready(StreamEntry& entry) {
  auto* client = find(entry.id);
  if (!client) return StreamEntry::Then::refuse;
  const auto& source = client->info->source;
  if (client->counted && source.remote.address == client->peer.remote.address) {
    client->peer.remote = source.remote;
    client->peer.local = source.local;
    return StreamEntry::Then::go_on;
  }
  // The address that counts is another one, of which another worker may know.
  const auto owner = worker_.owner(source.remote.address);
  if (owner != worker_.index() && hand_over(*client, entry, owner)) return StreamEntry::Then::moved;
  leave_origin(*client);
  if (!may_come(entry.server(), source)) return StreamEntry::Then::refuse;
  client->peer.remote = source.remote;
  client->peer.local = source.local;
  client->counted = true;
  origins_[source_of(source.remote.address)].connections.push_back(entry.id);
  return StreamEntry::Then::go_on;
}

bool Connections::hand_over(Client& client, StreamEntry& entry, std::size_t owner) {
  auto moving = entry.release();
  if (!moving.socket) return false;
  auto peer = client.peer;
  peer.remote = client.info->source.remote;
  peer.local = client.info->source.local;
  worker_.metrics().handed_over.add(worker_.index());
  auto all = std::make_shared<std::pair<StreamEntry::Moving, std::unique_ptr<StreamInfo>>>(
      std::move(moving), std::move(client.info));
  worker_.post_to(owner, [peer, all](Worker& worker) {
    auto& thread = static_cast<WorkerThread&>(worker);
    const WorkerThread::Batch batch(thread);
    thread.connections().take_over(peer, std::move(all->first), std::move(all->second));
  });
  leave_origin(client);
  if (client.place) strangers_.erase(*client.place);
  clients_.erase(entry.id);
  return true;
}

void Connections::take_over(const Peer& peer, StreamEntry::Moving moving, std::unique_ptr<StreamInfo> info) {
  error_code error;
  auto socket = open_socket(worker_.io(), std::move(moving.socket), error);
  if (error || !worker_.server(peer.listener)) return;
  if (!limits_) limits_ = Limits::of_process(worker_.count());
  if (!may_come(*moving.server, info->source) || !find_place()) return;
  auto& client = enlist(peer, true);
  client.info = std::move(info);
  auto entry = std::make_shared<StreamEntry>(
      worker_, moving.server, std::make_unique<SocketStream>(std::move(socket)), *client.info, *this);
  entry->id = client.peer.connection;
  client.entry = entry;
  entry->go_on(moving);
}

void Connections::on_entered(StreamEntry& entry, const Route& route, std::unique_ptr<ByteStream> stream,
                             std::string_view first) {
  auto* client = find(entry.id);
  if (!client) return;
  client->entry.reset();  // which is still held by its caller
  client->peer.transport = client->info->source.transport;
  if (route.sip) return cut_into_messages(*client, std::move(stream), first, client->info->idle_timeout);
  if (!first.empty())
    stream = std::make_unique<PrefixedStream>(worker_.io(), std::move(stream), std::string(first));
  auto own = std::make_unique<ClientOctets>(std::move(stream), worker_, entry.id);
  client->octets = own.get();
  const auto& info = *client->info;
  for (const auto& handler : route.handlers) {
    if (handler->is_layer()) continue;
    worker_.shielded([&] { handler->on_stream(worker_, std::move(own), info); });
    return;
  }
}

void Connections::on_entry_failed(StreamEntry& entry, StreamEnd why, std::string_view fault) {
  asio::post(worker_.io(), [this, id = entry.id, why, fault] {
    const WorkerThread::Batch batch(worker_);
    forget(id, why, fault);
  });
}

void Connections::active(ConnectionId id) {
  if (const auto* client = find(id); client && client->place)
    strangers_.splice(strangers_.end(), strangers_, *client->place);
}

}  // namespace sipward
