#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "sipward/packet.hpp"
#include "sipward/stream.hpp"
#include "udp/sockets.hpp"

namespace sipward {

class WorkerThread;
struct RouteServer;

// The streams that clients opened to one worker, and the sockets that accept them. Worker's thread only.
class Connections final : public SipStream::Owner {
 public:
  static constexpr std::size_t kMaxPerWorker = 8192;
  static constexpr std::size_t kMaxPerSource = 64;  // and as many more as it has registrations

  explicit Connections(WorkerThread& worker);
  ~Connections() override;

  void listen(std::uint32_t number, FileDescriptor socket, Transport transport, bool steered);
  void stop_accepting(std::uint32_t number);  // the connections that came by it stay
  void stop_listening(std::uint32_t number);  // and closes the connections that came by it
  // A socket that another worker accepted for this one.
  void adopt(std::uint32_t number, Transport transport, int fd);

  void send(const Peer& peer, std::string_view octets);
  std::size_t queued(const Peer& peer) const;
  void pause(const Peer& peer);
  void resume(const Peer& peer);
  void close(const Peer& peer);
  void watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended);
  void close_source(const Cidr& prefix);
  void close_all(bool at_once);
  std::size_t count() const { return clients_.size(); }

 private:
  struct Acceptor;
  struct Client {
    std::shared_ptr<SipStream> stream;
    Peer peer;
    std::function<void()> drained, ended;
  };
  void accept(const std::shared_ptr<Acceptor>& acceptor);
  void accepted(std::uint32_t number, Transport transport, bool steered, boost::asio::ip::tcp::socket socket);
  Client* find(ConnectionId id);
  const RouteServer* server_of(const Client& client);
  void tell(const Client& client, std::string_view fault);

  void on_message(SipStream& stream, std::string_view octets) override;
  void on_keep_alive(SipStream& stream) override;
  void on_framing_error(SipStream& stream, sip::FramingError error, std::string_view head) override;
  void on_drained(SipStream& stream) override;
  void on_ended(SipStream& stream, StreamEnd why) override;
  bool may_stay_idle(SipStream& stream) override;

  WorkerThread& worker_;
  std::unordered_map<std::uint32_t, std::shared_ptr<Acceptor>> acceptors_;
  std::unordered_map<ConnectionId, Client> clients_;
  std::unordered_map<Address, std::size_t> per_source_;  // as many entries as connections at most
  ConnectionId last_id_ = 0;
};

}  // namespace sipward
