#pragma once

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/handler.hpp"

namespace sipward {

// The octets of a connection as those above see them: a socket, or a layer over another ByteStream (TLS,
// WebSocket, what follows a PROXY header). One worker's; every call on that worker. Nothing here blocks:
// handshake(), read() and write() do what can be done at once, wait() tells when it is worth trying again. An
// idle stream should hold no buffer of its own.
class ByteStream {
 public:
  enum class Status : std::uint8_t {
    ok,
    want_read,   // try again once wait(Wait::read) has called
    want_write,  // try again once wait(Wait::write) has called; a read may want it too (a TLS handshake)
    end,         // the peer ended in order; for a layer, in the layer's way
    error,       // see Result::error; the stream is of no use any more
  };
  struct Result {
    Status status = Status::ok;
    std::size_t octets = 0;  // read or taken; more than none only with `ok`
    // With `ok`: the octets are the last of a message, for streams whose carries_messages() is true.
    bool message_ends = false;
    boost::system::error_code error;  // with `error`
    // With `error`: a word of the layer's closed list, for metrics and on_stream_fault ("tls_alert",
    // "proxy_header"); a literal, empty when the network is to blame.
    std::string_view fault;
  };
  enum class Wait : std::uint8_t { read, write };
  using Ready = std::function<void(const boost::system::error_code&)>;

  virtual ~ByteStream() = default;  // closes; waits that are open are forgotten, not called

  // Gets the layer ready (TLS handshake, PROXY header, HTTP upgrade); `ok` once it is, and for a plain socket
  // at once. Nothing is read or written through it before. Layers below are ready already.
  virtual Result handshake() { return {}; }
  // At most into.size() octets, at least one with `ok`. For streams that carry messages never beyond the end
  // of one.
  virtual Result read(std::span<char> into) = 0;
  // Takes as much as it can. For streams that carry messages: one whole message each, all or nothing.
  virtual Result write(std::string_view octets) = 0;
  // Calls `ready` once; one wait of each kind at a time. A layer that holds octets which nobody has read yet
  // calls (posted, never from inside wait) without asking those below.
  virtual void wait(Wait what, Ready ready) = 0;
  // Nothing more will be written: tells the peer in the layer's way (close_notify, a Close frame, FIN).
  // Reading goes on. Best effort, at once.
  virtual void shutdown() = 0;
  // At once and for good. Waits that are open are called with operation_aborted. May be called twice.
  virtual void close() = 0;

  // Of a layer that has no more to do with the octets once its handshake is over (a PROXY header was taken
  // off): the stream below, to be used in its place. nullptr: it stays.
  virtual std::unique_ptr<ByteStream> unwrap() { return nullptr; }

  // Whether message ends are the stream's own business (RFC 7118 5: one message, one WebSocket message).
  virtual bool carries_messages() const { return false; }
  // Octets of memory that it holds now, layers below included; for the worker's account.
  virtual std::size_t memory() const { return 0; }
};

// What is known of a stream before its first message, and what its layers add to that. Lives as long as the
// stream.
struct StreamInfo {
  Source source;            // a PROXY header replaces the addresses, a layer such as TLS the transport
  std::string server_name;  // TLS: SNI, in lower case
  std::string alpn;         // TLS: what was agreed on
  std::string client_name;  // TLS: the verified client's subject, when one was asked for
  Duration idle_timeout{};  // of its server; byte routes heed it themselves
  // Core's own: what the listener is for, and the layers that the stream went through (routing/layers.hpp).
  Transport accepted = Transport::tcp;
  std::vector<std::uint64_t> layers;
};

// The first octets of a stream or the octets of a datagram, for matchers that judge them; nothing is taken.
struct StreamStart {
  const StreamInfo& info;
  std::string_view octets;
  bool complete = false;  // nothing more will come: the peer ended, the limit is reached, or it is a datagram
};

}  // namespace sipward
