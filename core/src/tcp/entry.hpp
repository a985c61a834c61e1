#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "routing/route_tree.hpp"
#include "sipward/byte_stream.hpp"
#include "sipward/stream.hpp"
#include "udp/sockets.hpp"

namespace sipward {

class WorkerThread;

// What an accepted stream goes through before anybody deals with it: its first octets tell the route that is
// to take it, the route's layers take it over one after the other, and where a route is nothing but layers
// the ones behind it are tried with what these let through. One worker's. Keeps itself alive until it is
// over; each wait has a deadline.
class StreamEntry : public std::enable_shared_from_this<StreamEntry> {
 public:
  // So much is read, at most, to find the route.
  static constexpr std::size_t kMostOctets = std::size_t{16} * 1024;
  static constexpr auto kHandshakeTime = std::chrono::seconds(10);  // of one layer

  enum class Then : std::uint8_t { go_on, refuse, moved };
  // One on its way to another worker.
  struct Moving {
    std::shared_ptr<const RouteServer> server;
    FileDescriptor socket;
    std::size_t route = 0, layer = 0;
  };

  class Owner {
   public:
    virtual ~Owner() = default;
    // A layer is ready, and may have told that the client is another one (info.source).
    virtual Then on_layer_ready(StreamEntry& entry) = 0;
    // It is through. `first` was read of the stream and belongs in front of what it will give.
    virtual void on_entered(StreamEntry& entry, const Route& route, std::unique_ptr<ByteStream> stream,
                            std::string_view first) = 0;
    virtual void on_entry_failed(StreamEntry& entry, StreamEnd why, std::string_view fault) = 0;
  };

  // `info` lives as long as the owner lets it, and longer than the entry.
  StreamEntry(WorkerThread& worker, std::shared_ptr<const RouteServer> server,
              std::unique_ptr<ByteStream> stream, StreamInfo& info, Owner& owner);
  ~StreamEntry();

  void start();
  // In place of start(): where the other worker left it.
  void go_on(const Moving& from);
  // What another worker needs to go on; without a socket when there is more to it than that (then it stays).
  // The entry is over after that.
  Moving release();
  void end(StreamEnd why) { fail(why); }
  const RouteServer& server() const { return *server_; }

  std::uint64_t id = 0;  // the owner's to use

 private:
  void match();
  void read();
  void take(std::size_t route);
  void next_layer();
  void shake_hands();
  void layer_is_ready();
  void await(ByteStream::Wait what, void (StreamEntry::*then)());
  void limit(Duration time, StreamEnd why);
  void fail(StreamEnd why, std::string_view fault = {});
  void close();
  bool account();
  bool over() const { return !keep_; }

  WorkerThread& worker_;
  std::shared_ptr<const RouteServer> server_;
  std::unique_ptr<ByteStream> stream_;
  StreamInfo& info_;
  Owner& owner_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<StreamEntry> keep_;
  std::string first_;
  bool complete_ = false;  // nothing more will be read to find a route
  std::size_t route_ = 0;  // where to look on, or the one that took it
  LayerList layers_;       // of that one
  std::size_t layer_ = 0;  // the next of these
  std::size_t accounted_ = 0;
};

}  // namespace sipward
