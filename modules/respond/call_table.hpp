#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sipward/clock.hpp"
#include "sipward/packet.hpp"

namespace sipward::respond {

// One call that the stand-in has been asked to take, from its INVITE until 32 s after its end.
struct Call {
  enum class State : std::uint8_t {
    ringing,    // 180 was sent, `answer` waits
    answered,   // the 200 in `reply` is repeated until its ACK (RFC 3261 13.3.1.4)
    refused,    // cancelled: the 487 in `reply` is repeated until its ACK on UDP (17.2.1)
    confirmed,  // nothing to do
    ended,      // only here to answer retransmissions
  };
  std::uint64_t key = 0;       // our To tag in hex is this number
  std::uint64_t identity = 0;  // hash of Call-ID and the caller's tag
  std::uint64_t via = 0;       // hash of the topmost Via of its INVITE
  std::uint32_t invite_cseq = 0;
  std::uint32_t remote_cseq = 0;
  unsigned sdp_version = 1;
  State state = State::ringing;
  Peer peer;            // of the last INVITE
  std::string reply;    // the last answer to the last INVITE
  std::string answer;   // the 200 that picks up
  std::string refusal;  // the 487 for a CANCEL

  bool in_dialog() const { return state == State::answered || state == State::confirmed; }

 private:
  friend class CallTable;
  Time due{};  // when the table looks at it next
  Time deadline{};
  Duration interval{};
  bool waiting_counted = false;
};

// The calls of one worker and their timers. It reads no clock and sends nothing itself: the caller gives the
// time and a way to send. Belongs to one worker.
class CallTable {
 public:
  struct Limits {
    std::size_t calls = 1000;  // not ended; as many ended ones are remembered
    // Of one address, calls whose 200 is not acknowledged yet: each makes us send a dozen datagrams to an
    // address that may be forged. Does not hold for loopback, which is the guard in front of us.
    std::size_t waiting = 32;
  };
  using Send = std::function<void(const Peer& to, std::string_view octets)>;

  static constexpr Duration kT1 = std::chrono::milliseconds(500);  // RFC 3261 17.1.1.1
  static constexpr Duration kT2 = std::chrono::seconds(4);
  static constexpr Duration kGiveUp = 64 * kT1;
  static constexpr Duration kLongestCall = std::chrono::hours(1);  // since the caller's last request

  Call* find(std::uint64_t key);  // valid until the next non-const call of anything else
  // A ringing call that is picked up by run() at `answer_at`. nullptr when there is no room for it.
  Call* open(std::uint64_t key, const Peer& peer, Time answer_at, const Limits& limits);

  // An INVITE that came from `peer` was answered with call.reply: repeats it until its ACK.
  void answered(Call& call, const Peer& peer, Time now);
  void acknowledged(Call& call, Time now);
  // The caller cancelled while it rang: call.refusal is sent, and repeated on UDP.
  void refuse(Call& call, Time now, const Send& send);
  void touch(Call& call, Time now);  // a request came in its dialog
  void end(Call& call, Time now);

  // Sends what is due. A call whose answer is never acknowledged is forgotten: the stand-in sends no
  // requests, so there is no BYE either.
  void run(Time now, const Send& send);
  Time next_due() const;  // Time::max() when nothing ever is
  std::size_t size() const { return calls_.size(); }

 private:
  void schedule(Call& call, Time due);
  void set_waiting(Call& call, bool waiting);
  void repeat(Call& call, Time now, const Send& send);
  void erase(std::uint64_t key);

  std::unordered_map<std::uint64_t, Call> calls_;  // keys are keyed hashes
  std::set<std::pair<Time, std::uint64_t>> due_;
  std::map<Address, std::size_t> waiting_;
  std::deque<std::uint64_t> ended_;  // oldest first; some may be gone
  std::size_t open_ = 0;             // not ended
  std::size_t remembered_ = 0;       // ended and still here
};

}  // namespace sipward::respond
