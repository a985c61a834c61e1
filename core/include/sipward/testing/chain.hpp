#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/module.hpp"
#include "sipward/packet.hpp"
#include "sipward/testing/fake_host.hpp"
#include "sipward/testing/sip_text.hpp"

// The only symbol that a module exports; a test that links NAME_objs finds it here.
extern "C" const sipward::ModuleInfo sipward_module;

namespace sipward::test {

// What became of a message.
enum class Fate : std::uint8_t {
  forwarded,     // it passed every handler: to the upstream, or to the client
  consumed,      // a handler kept it: answered it or sent it on by itself
  dropped,       // a handler dropped it
  refused,       // a handler refused its source before it was read
  unmatched,     // the route's matchers did not take it
  acknowledged,  // an ACK to an answer by Worker::reply(); handlers don't see it
};
std::string_view to_string(Fate fate);

struct Outcome {
  Fate fate = Fate::unmatched;
  std::vector<std::string> sent;  // to the client meanwhile, in order

  int status() const;  // of the first answer in `sent`; 0 when there is none
  // Of that answer: the value of the first header of that name, in any case; empty when there is none.
  std::string header(std::string_view name) const;
};

// A route between a client and an upstream, without sockets, files and threads: directives are created,
// validated and provisioned from the text of a Sipfile, and messages go through them as they do in the
// server, with the server's own code. What passes every handler reaches an upstream that only notes it.
//
//   Chain chain("hello { allow INVITE }");
//   CHECK(chain.from_client(SipText().request()).status() == 200);
//
// Everything happens on the test's thread and on the first worker. Tasks posted to workers run after each
// message and each advance().
class Chain {
 public:
  struct Setup {
    std::string handlers;     // the inside of a route; one that ends the chain may be the last
    std::string match = {};   // matchers, ANDed; none: the route takes everything
    std::size_t workers = 1;  // for what a module shares out among them
    std::vector<const ModuleInfo*> modules = {&sipward_module};
  };

  // Throws config::ConfigError with every problem, as `validate` prints it, with lines of the text given.
  // Services are started.
  explicit Chain(const Setup& setup);
  explicit Chain(const char* handlers) : Chain(Setup{.handlers = handlers}) {}
  ~Chain();

  // What `validate` says of it, warnings too; empty when it is content. Nothing is provisioned.
  static std::string problems(const Setup& setup);
  static std::string problems(const char* handlers) { return problems(Setup{.handlers = handlers}); }

  // A client; 203.0.113.1:5060 is where it reaches us. A stream's connection is told by its port.
  static Peer client(std::string_view endpoint = "192.0.2.10:5060", Transport transport = Transport::udp);

  // A message comes from the client: admission, matchers, then handlers in order.
  Outcome from_client(std::string_view octets, const Peer& from = client());
  // A message comes from the upstream, to the client of its transaction, else to that of the last message
  // that was forwarded: handlers in reverse order.
  Outcome from_upstream(std::string_view octets);
  // What handlers are told when a stream can't be cut into messages.
  void stream_fault(std::string_view fault, const Peer& from = client("192.0.2.10:5060", Transport::tcp));
  // Moves the clock and runs what was posted meanwhile.
  void advance(Duration by);

  const std::vector<std::string>& forwarded() const;  // what reached the upstream, in order
  // The sum of a counter or the value of a gauge, of one label value or of all; 0 when there is none.
  double metric(std::string_view name, std::string_view label_value = {}) const;

  FakeHost& host() { return host_; }
  FakeWorker& worker() { return host_.workers.at(0); }

 private:
  struct Route;
  FakeHost host_;
  std::unique_ptr<Route> route_;
};

}  // namespace sipward::test
