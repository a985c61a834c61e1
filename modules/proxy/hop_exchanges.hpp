#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sipward/packet.hpp"
#include "sipward/sip/message.hpp"
#include "timer_wheel.hpp"

namespace sipward::proxy {

// A request and its answers where one side is UDP and the other a stream: there the ends can't make up for
// what the datagram side loses, so we do (RFC 3261 16.6–16.10 with 17.1 and 17.2).
struct Exchange : TimerWheel<Exchange>::Hook {
  enum class State : std::uint8_t {
    calling,     // nothing came back
    proceeding,  // a provisional answer did
    accepted,    // a 2xx to an INVITE: those that come again go on, too (RFC 6026)
    completed,   // another final answer: what comes again is ours to deal with
    confirmed,   // and it was acknowledged
  };
  std::uint64_t key = 0;
  bool from_client = false;  // else an upstream asks
  bool repeats = false;      // who is asked may lose the request; else who asks may lose the answer
  bool cancel_wanted = false;
  bool gave_100 = false;
  State state = State::calling;
  sip::Method method = sip::Method::other;
  Peer client;
  Endpoint upstream;
  std::string request;  // as it went out
  std::string answer;   // the last one, when who asks may lose it
  Time due{}, repeat_at{}, ends{};
  Duration interval{};
};

class Exchanges {
 public:
  static constexpr auto kT1 = std::chrono::milliseconds(500);
  static constexpr auto kT2 = std::chrono::seconds(4);
  static constexpr auto kT4 = std::chrono::seconds(5);
  static constexpr auto kTransaction = 64 * kT1;                     // Timers B, D, F, H, J
  static constexpr auto kRinging = std::chrono::seconds(180);        // Timer C
  static constexpr std::size_t kMost = 8192;                         // of one worker
  static constexpr std::size_t kMostOctets = std::size_t{32} << 20;  // of messages that they keep

  // What an exchange has to say. Called inside the calls below.
  class Ways {
   public:
    virtual ~Ways() = default;
    virtual void send_request(Exchange& exchange, std::string_view octets) = 0;  // to who is asked
    virtual void send_answer(Exchange& exchange, std::string_view octets) = 0;   // to who asks
    // Nobody answered the INVITE: who asks is told so, as if the other side had.
    virtual void give_up(Exchange& exchange) = 0;
  };

  explicit Exchanges(Ways& ways) : ways_(ways) {}

  Exchange* find(std::uint64_t key);
  // Begins it with a request that is about to be sent; nullptr when there are too many.
  Exchange* begin(const Exchange& what, std::string_view request, Time now);
  // The same request came again.
  void repeated(Exchange& exchange);
  // An answer to it, without our Via; whether it goes on to who asks.
  bool answered(Exchange& exchange, sip::Message& answer, Time now);
  // An answer went to who asks, in this form, and may get lost.
  void given(Exchange& exchange, std::string_view octets, unsigned status, Time now);
  // The ACK to a refusal came; true when it goes no further.
  bool acknowledged(Exchange& exchange, Time now);
  // The INVITE is no longer wanted: tells who was asked, once it may be told (RFC 3261 9.1).
  void cancel(Exchange& exchange, Time now);
  // The key of an INVITE's CANCEL.
  static std::uint64_t cancel_key(std::uint64_t invite) { return ~invite; }
  void turn(Time now);
  bool empty() const { return by_key_.empty(); }
  std::size_t size() const { return by_key_.size(); }

 private:
  void keep(std::string& place, std::string_view octets);
  void schedule(Exchange& exchange);
  void finish(Exchange& exchange, Exchange::State state, Time ends);
  void due(Exchange& exchange, Time now);
  void erase(Exchange& exchange);
  void send_cancel(Exchange& exchange, Time now);
  void acknowledge(Exchange& exchange, const sip::Message& answer);

  Ways& ways_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Exchange>> by_key_;  // keys are secret hashes
  TimerWheel<Exchange> wheel_;
  std::size_t octets_ = 0;
  sip::Message message_;
  std::string scratch_;
};

// The ACK to a refusal of `invite`, or its CANCEL: as RFC 3261 17.1.1.3 and 9.1 make them from the INVITE
// that was sent. `to` is the To of the answer, or of the INVITE.
void write_follower(const sip::Message& invite, std::string_view method, std::string_view to,
                    std::string& out);

}  // namespace sipward::proxy
