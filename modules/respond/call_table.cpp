#include "call_table.hpp"

#include <algorithm>

namespace sipward::respond {

Call* CallTable::find(std::uint64_t key) {
  const auto at = calls_.find(key);
  return at == calls_.end() ? nullptr : &at->second;
}

Call* CallTable::open(std::uint64_t key, const Peer& peer, Time answer_at, const Limits& limits) {
  const auto waiting = waiting_.find(peer.remote.address);
  const bool too_many = waiting != waiting_.end() && waiting->second >= limits.waiting;
  if (open_ >= limits.calls || (too_many && !peer.remote.address.is_loopback())) return nullptr;
  while (remembered_ >= limits.calls && !ended_.empty()) {
    const std::uint64_t oldest = ended_.front();
    ended_.pop_front();
    if (const Call* call = find(oldest); call != nullptr && call->state == Call::State::ended) erase(oldest);
  }
  const auto [at, fresh] = calls_.try_emplace(key);
  if (!fresh) return nullptr;
  Call& call = at->second;
  call.key = key;
  call.peer = peer;
  ++open_;
  set_waiting(call, true);
  schedule(call, answer_at);
  return &call;
}

void CallTable::answered(Call& call, const Peer& peer, Time now) {
  set_waiting(call, false);  // counted by the old address
  call.peer = peer;
  call.state = Call::State::answered;
  call.interval = kT1;
  call.deadline = now + kGiveUp;
  set_waiting(call, true);
  schedule(call, now + kT1);
}

void CallTable::acknowledged(Call& call, Time now) {
  if (call.state == Call::State::refused) return end(call, now);
  call.state = Call::State::confirmed;
  set_waiting(call, false);
  schedule(call, now + kLongestCall);
}

void CallTable::refuse(Call& call, Time now, const Send& send) {
  call.state = Call::State::refused;
  call.reply = std::move(call.refusal);
  call.interval = kT1;
  call.deadline = now + kGiveUp;
  schedule(call, is_stream(call.peer.transport) ? call.deadline : now + kT1);
  send(call.peer, call.reply);
}

void CallTable::touch(Call& call, Time now) {
  if (call.state == Call::State::confirmed) schedule(call, now + kLongestCall);
}

void CallTable::end(Call& call, Time now) {
  if (call.state == Call::State::ended) return;
  set_waiting(call, false);
  call.state = Call::State::ended;
  call.answer.clear();
  call.refusal.clear();
  --open_;
  ++remembered_;
  ended_.push_back(call.key);
  schedule(call, now + kGiveUp);  // Timer J (RFC 3261 17.2.2)
}

void CallTable::run(Time now, const Send& send) {
  while (!due_.empty() && due_.begin()->first <= now) {
    Call* const call = find(due_.begin()->second);
    switch (call->state) {
      case Call::State::ringing:
        call->reply = std::move(call->answer);
        call->refusal.clear();
        answered(*call, Peer(call->peer), now);
        send(call->peer, call->reply);
        break;
      case Call::State::answered:
      case Call::State::refused:
        repeat(*call, now, send);
        break;
      case Call::State::confirmed:
      case Call::State::ended:
        erase(call->key);
        break;
    }
  }
  while (!ended_.empty() && find(ended_.front()) == nullptr) ended_.pop_front();
}

Time CallTable::next_due() const {
  return due_.empty() ? Time::max() : due_.begin()->first;
}

void CallTable::schedule(Call& call, Time due) {
  due_.erase({call.due, call.key});
  call.due = due;
  due_.emplace(due, call.key);
}

void CallTable::set_waiting(Call& call, bool waiting) {
  if (call.waiting_counted == waiting) return;
  call.waiting_counted = waiting;
  const Address& address = call.peer.remote.address;
  if (waiting) {
    ++waiting_[address];
  } else if (--waiting_[address] == 0) {
    waiting_.erase(address);
  }
}

void CallTable::repeat(Call& call, Time now, const Send& send) {
  if (now >= call.deadline) return erase(call.key);
  call.interval = std::min<Duration>(2 * call.interval, kT2);
  schedule(call, std::min(now + call.interval, call.deadline));
  send(call.peer, call.reply);
}

void CallTable::erase(std::uint64_t key) {
  const auto at = calls_.find(key);
  Call& call = at->second;
  set_waiting(call, false);
  --(call.state == Call::State::ended ? remembered_ : open_);
  due_.erase({call.due, key});
  calls_.erase(at);
}

}  // namespace sipward::respond
