#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sipward/packet.hpp"
#include "sipward/stream.hpp"
#include "tcp/client_octets.hpp"
#include "tcp/entry.hpp"
#include "tcp/unanswered.hpp"
#include "udp/sockets.hpp"

namespace sipward {

class WorkerThread;
struct RouteServer;

// The streams that clients opened to one worker, and the sockets that accept them. Worker's thread only.
//
// A stranger is a client that nothing vouches for: no registration behind its address, and the upstream has
// accepted no registration, call or subscription that came over the connection. Strangers share fewer
// unanswered requests, keep their connections by messages alone, and give up their places to newcomers.
class Connections final : public SipStream::Owner, public StreamEntry::Owner {
 public:
  static constexpr std::size_t kMaxPerWorker = 8192;
  struct Limits {
    std::size_t per_worker = kMaxPerWorker;
    std::size_t per_source = 64;                             // and as many more as it has registrations
    std::size_t per_second = 100;                            // new ones of a source without registrations…
    std::size_t burst = 200;                                 // …and so many at once
    std::size_t read_until_queued = std::size_t{64} * 1024;  // SipStream::Options
    std::size_t keep_alives = 64;                            // likewise
    // What the process's descriptors are good for: each connection may need another one to an upstream.
    static Limits of_process(std::size_t workers);
  };

  explicit Connections(WorkerThread& worker);
  ~Connections() override;

  void listen(std::uint32_t number, FileDescriptor socket, Transport transport, bool steered);
  void stop_accepting(std::uint32_t number);  // the connections that came by it stay
  void stop_listening(std::uint32_t number);  // and closes the connections that came by it
  // A socket that another worker accepted for this one.
  void adopt(std::uint32_t number, Transport transport, FileDescriptor socket);
  // A stream whose layers told here that it is the client of this worker.
  void take_over(const Peer& peer, StreamEntry::Moving moving, std::unique_ptr<StreamInfo> info);
  void limit(const Limits& limits) { limits_ = limits; }  // instead of what the process allows
  // A request of that client went on to somebody who will answer, and an answer came back for it.
  void passed_on(const Peer& peer, std::uint64_t transaction);
  void answered(const Peer& peer, const Transaction& transaction, const sip::Message& answer);

  void send(const Peer& peer, std::string_view octets);
  std::size_t queued(const Peer& peer) const;
  const StreamInfo* info(const Peer& peer) const;  // nullptr for streams that need no entry
  void pause(const Peer& peer);
  void resume(const Peer& peer);
  void delay(const Peer& peer, Duration time);
  void close(const Peer& peer);
  void watch(const Peer& peer, std::function<void()> drained, std::function<void()> ended);
  void close_source(const Cidr& prefix);
  void close_all(bool at_once);
  std::size_t count() const { return clients_.size(); }
  // For the stream of a byte route: it said something; it is no more.
  void active(ConnectionId id);
  void forget(ConnectionId id, StreamEnd why, std::string_view fault = {});

 private:
  struct Acceptor;
  struct Watcher {
    std::function<void()> drained, ended;
  };
  // One of the three is there: it is on its way in, it carries SIP, or its octets are a handler's.
  struct Client {
    std::shared_ptr<StreamEntry> entry;
    std::shared_ptr<SipStream> stream;
    ClientOctets* octets = nullptr;
    std::unique_ptr<StreamInfo> info;  // unless it went the straight way
    Peer peer;
    bool counted = false;         // among the connections of its source
    std::list<Watcher> watchers;  // one more may come while one is called
    bool known = false;           // no stranger
    bool held = false;            // waits for answers
    bool kept_alive = false;      // since it was last asked whether it may stay
    Unanswered::Known unanswered;
    std::optional<std::list<ConnectionId>::iterator> place;  // in strangers_
    void abort(StreamEnd why);
    void close();
  };
  struct Origin {
    std::vector<ConnectionId> connections, held;
  };
  struct Pace {  // of new connections
    std::uint64_t key = 0;
    Time expires{}, at{};
    double left = 0;
  };
  struct AddressHash {
    HashKey key;
    std::size_t operator()(const Address& a) const noexcept { return keyed_hash(key, a); }
  };
  void accept(const std::shared_ptr<Acceptor>& acceptor);
  void accepted(std::uint32_t number, Transport transport, bool steered, boost::asio::ip::tcp::socket socket);
  bool has_room(const Address& address);
  bool within_pace(const Address& address);
  bool make_place();
  bool find_place();
  bool may_come(const RouteServer& server, const Source& source);
  Client& enlist(const Peer& peer, bool counted);
  void enter(Client& client, std::shared_ptr<const RouteServer> server, std::unique_ptr<ByteStream> stream,
             Transport accepted);
  void cut_into_messages(Client& client, std::unique_ptr<ByteStream> stream, std::string_view first,
                         Duration idle);
  bool hand_over(Client& client, StreamEntry& entry, std::size_t owner);
  void leave_origin(Client& client);
  Client* find(ConnectionId id);
  const RouteServer* server_of(const Client& client);
  void tell(const Client& client, std::string_view fault);
  bool is_stranger(Client& client);
  bool must_wait(Client& client);
  void hold(Client& client, Origin& source);
  void review(Origin& source);
  void review_later();

  void on_message(SipStream& stream, std::string_view octets) override;
  void on_keep_alive(SipStream& stream) override;
  void on_framing_error(SipStream& stream, sip::FramingError error, std::string_view head) override;
  void on_drained(SipStream& stream) override;
  void on_ended(SipStream& stream, StreamEnd why) override;
  bool may_stay_idle(SipStream& stream) override;

  StreamEntry::Then on_layer_ready(StreamEntry& entry) override;
  void on_entered(StreamEntry& entry, const Route& route, std::unique_ptr<ByteStream> stream,
                  std::string_view first) override;
  void on_entry_failed(StreamEntry& entry, StreamEnd why, std::string_view fault) override;

  WorkerThread& worker_;
  std::optional<Limits> limits_;
  std::unordered_map<std::uint32_t, std::shared_ptr<Acceptor>> acceptors_;
  std::unordered_map<ConnectionId, Client> clients_;
  std::unordered_map<Address, Origin, AddressHash> origins_;  // as many as connections at most
  std::list<ConnectionId> strangers_;                         // whose last message is longest ago first
  BoundedTable<Pace> paces_;
  Unanswered unanswered_;
  boost::asio::steady_timer review_timer_;
  std::size_t held_ = 0;
  std::uint64_t answered_at_once_ = 0;  // the transaction of the message that is just being dealt with
  ConnectionId last_id_ = 0;
};

}  // namespace sipward
