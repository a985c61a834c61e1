#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/zeroed_array.hpp"
#include "target.hpp"

namespace sipward::proxy {

// How far a conversation is. Those up to `call` count as something that goes on at their target.
enum class Stage : std::uint8_t {
  none,
  asking,      // a request of the client's waits for any answer
  ringing,     // an INVITE, of either side, waits for its final answer
  call,        // and was accepted
  known,       // answered; what follows may belong to it
  registered,  // a registration, until it ends
};

// Which target the messages of one Call-ID, or of one registered client, go to. Octets of zero are a free
// one.
struct Conversation {
  std::uint64_t key = 0;
  Time expires{};
  Time asked{};  // its first request was forwarded
  Time tried{};  // …and last was given to a target
  std::uint32_t target = 0;
  std::uint32_t tried_targets = 0;  // bit by number of the target, modulo 32
  Stage stage = Stage::none;
  bool proven = false;
  bool failed = false;  // its silence was counted

  int rank() const {
    if (stage == Stage::call) return proven ? 3 : 1;
    if (stage == Stage::registered) return proven ? 2 : 1;
    return proven ? 1 : 0;
  }
};

// One worker's conversations, in a table of fixed size that forgets what is least worth keeping among eight
// neighbours; its keys are secret hashes. Keeps its targets alive, also when no name leads there any more,
// and their count of what goes on.
class Conversations {
 public:
  static constexpr std::size_t kWays = 8;

  // At least `capacity`, rounded up to a power of two.
  Conversations(Targets& targets, std::size_t capacity);
  ~Conversations();
  Conversations(const Conversations&) = delete;
  Conversations& operator=(const Conversations&) = delete;

  Conversation* find(std::uint64_t key, Time now);
  // The one of that key, with that target from now on; a fresh one in stage `none` when there is none.
  Conversation& open(std::uint64_t key, std::uint32_t target, Time now);
  void move(Conversation& c, std::uint32_t target);
  void set(Conversation& c, Stage stage, Time expires);
  void forget(Conversation& c);
  // Forgets what is over, and shows the rest.
  void sweep(Time now, const std::function<void(Conversation&)>& visit);

  // Targets have small numbers here. They stay while something refers to them, at least to the next sweep.
  std::uint32_t number(Transport transport, const Endpoint& endpoint);
  void hold(std::uint32_t number) { ++known_[number].uses; }
  void release(std::uint32_t number) { --known_[number].uses; }
  const std::shared_ptr<Target>& target(std::uint32_t number) const { return known_[number].target; }
  const std::shared_ptr<Target>& target(const Conversation& c) const { return target(c.target); }
  std::size_t size() const { return used_; }

 private:
  struct Known {
    std::shared_ptr<Target> target;
    std::size_t uses = 0;  // by conversations and by those who hold() it
  };
  static bool goes_on(Stage stage) { return stage != Stage::none && stage <= Stage::call; }
  Conversation* home(std::uint64_t key) { return &table_[(key >> 8 & mask_) * kWays]; }
  void count(const Conversation& c, int by);

  Targets& targets_;
  std::size_t mask_;
  std::size_t used_ = 0;
  ZeroedArray<Conversation> table_;
  std::vector<Known> known_;
  std::map<std::pair<Transport, Endpoint>, std::uint32_t> numbers_;  // as many as upstreams have addresses
};

}  // namespace sipward::proxy
