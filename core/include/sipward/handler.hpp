#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "sipward/net.hpp"

namespace sipward {

class BuildContext;
class ByteStream;
class Packet;
class Worker;
struct StreamInfo;
struct StreamStart;
namespace config {
class Errors;
}

// What handlers, matchers and HTTP handlers have in common: the steps between reading a configuration and
// running it. All on the control thread. module.hpp tells the whole life.
class Component {
 public:
  virtual ~Component() = default;
  // Judges options against each other, without any side effect: `sipward validate` stops after this.
  virtual void validate(config::Errors& errors) const { (void)errors; }
  // Takes what it needs: services, metrics, endpoints. Throws config::ConfigError when it can't have it; then
  // nothing of this configuration is ever run.
  virtual void provision(BuildContext& context) { (void)context; }
  // False for one that takes octets of any kind. A route in which nothing needs SIP is a byte route: it takes
  // streams and datagrams as they are, and no message is cut from them. A stream layer never needs SIP.
  virtual bool needs_sip() const { return true; }
};

// What the chain does after a handler has seen a packet.
enum class Verdict : std::uint8_t {
  next,      // give it to the following handler
  consumed,  // this handler answered it or sent it on; stop
  drop,      // stop and stay silent
};

// A datagram's need_more counts as no.
enum class Match : std::uint8_t { no, yes, need_more };

// The client of a datagram or connection, before anything was read of it.
struct Source {
  Endpoint remote;
  Endpoint local;
  Transport transport = Transport::udp;
};

// Decides whether a route takes a packet. One instance serves every worker at once, hence const.
class Matcher : public Component {
 public:
  // On the packet's worker. Never throws.
  virtual Match match(Packet& packet) const = 0;
  // A matcher that needs only addresses is also asked before anything is read; `admits` may only be false
  // when `match` would be `no` for every packet of that source.
  virtual bool admits(const Source& source) const {
    (void)source;
    return true;
  }
  // Judges a stream by its first octets, before any layer took them and before there is a message:
  // `need_more` until it can say, `no` when it can't even with `start.complete`. On the stream's worker;
  // never throws. A matcher that judges whole messages leaves this to `match` and says yes here.
  virtual Match match_start(const StreamStart& start) const;
};

// One instance serves every worker at once, so every hook is const: what must change lives in a service, kept
// per worker (Worker::index) or safe to call from many threads. Hooks run on the packet's worker, must not
// block, and hold no view into the packet once they return.
class Handler : public Component {
 public:
  // A datagram came or a connection was accepted; nothing is parsed. `consumed` means drop here.
  virtual Verdict on_admit(Worker& worker, const Source& source) const {
    (void)worker, (void)source;
    return Verdict::next;
  }
  // A stream that can't be cut into SIP messages, or did not get a message complete in time, is about to be
  // closed. `fault` is a word of a closed list: "head_timeout", "body_timeout", "keep_alive_flood" or a
  // sip::FramingError's. The source proved itself by its handshake. A connection that just closes is no
  // fault.
  virtual void on_stream_fault(Worker& worker, const Source& source, std::string_view fault) const {
    (void)worker, (void)source, (void)fault;
  }
  // Client → upstream, in the order of the Sipfile.
  virtual Verdict on_inbound(Packet& packet) const {
    (void)packet;
    return Verdict::next;
  }
  // Upstream → client, in reverse order, through the handlers that stand before the one that forwarded.
  virtual Verdict on_outbound(Packet& packet) const {
    (void)packet;
    return Verdict::next;
  }
  // A stream layer (`tls`, `proxy_protocol`) changes the octets of a stream before messages are cut from it;
  // datagrams and messages pass it untouched.
  virtual bool is_layer() const { return false; }
  // Of a layer, on the stream's worker: takes the stream over. The layer's handshake() is driven by the
  // caller, within a time limit. `info` outlives the stream; a layer adds what it learns, by the end of its
  // handshake. nullptr refuses the stream (a ceiling is reached). The stream may outlive the handler by far:
  // what it needs of it, it shares.
  virtual std::unique_ptr<ByteStream> wrap(Worker& worker, std::unique_ptr<ByteStream> below,
                                           StreamInfo& info) const;
  // Of a layer: whether it will tell who the client really is (a PROXY header), so that `source` stands for
  // many and is neither counted nor admitted itself; whom the layer tells of, is.
  virtual bool relays(const Source& source) const {
    (void)source;
    return false;
  }
  // Of a handler that ends a byte route: the stream is its own from now on, layers and all, ready to be read.
  // `info` lives as long as the stream. Destroying the stream closes it; when core closes it (a ban, the end
  // of its listener) waits are called with operation_aborted.
  virtual void on_stream(Worker& worker, std::unique_ptr<ByteStream> stream, const StreamInfo& info) const;
  // True for a handler that ends the chain (proxy, respond): a handler behind it would never run.
  virtual bool terminal() const { return false; }
  // False for a stream layer that is not active yet: a listener with such a route is not opened.
  virtual bool can_serve() const { return true; }
};

}  // namespace sipward
