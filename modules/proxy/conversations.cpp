#include "conversations.hpp"

#include <bit>

namespace sipward::proxy {

Conversations::Conversations(Targets& targets, std::size_t capacity)
    : targets_(targets),
      mask_(std::bit_ceil(capacity < kWays ? kWays : capacity) / kWays - 1),
      table_((mask_ + 1) * kWays) {}

Conversations::~Conversations() {
  for (std::size_t i = 0; used_ != 0 && i < table_.size(); ++i)
    if (table_[i].key != 0) forget(table_[i]);
}

void Conversations::count(const Conversation& c, int by) {
  if (goes_on(c.stage)) known_[c.target].target->active.fetch_add(by, std::memory_order_relaxed);
}

Conversation* Conversations::find(std::uint64_t key, Time now) {
  for (Conversation *c = home(key), *end = c + kWays; c != end; ++c)
    if (c->key == key && c->expires > now) return c;
  return nullptr;
}

Conversation& Conversations::open(std::uint64_t key, std::uint32_t target, Time now) {
  Conversation* worst = nullptr;
  const auto lives = [now](const Conversation& c) { return c.key != 0 && c.expires > now; };
  for (Conversation *c = home(key), *end = c + kWays; c != end; ++c) {
    if (c->key == key && lives(*c)) {
      move(*c, target);
      return *c;
    }
    if (!worst) {
      worst = c;
    } else if (lives(*c) != lives(*worst)) {
      if (lives(*worst)) worst = c;
    } else if (std::pair(c->rank(), c->expires) < std::pair(worst->rank(), worst->expires)) {
      worst = c;
    }
  }
  if (worst->key != 0) forget(*worst);
  worst->key = key;
  worst->target = target;
  ++used_;
  ++known_[target].uses;
  return *worst;
}

void Conversations::move(Conversation& c, std::uint32_t target) {
  if (c.target == target) return;
  count(c, -1);
  --known_[c.target].uses;
  c.target = target;
  ++known_[target].uses;
  count(c, 1);
}

void Conversations::set(Conversation& c, Stage stage, Time expires) {
  count(c, -1);
  c.stage = stage;
  c.expires = expires;
  count(c, 1);
}

void Conversations::forget(Conversation& c) {
  count(c, -1);
  --known_[c.target].uses;
  --used_;
  c = Conversation{};
}

void Conversations::sweep(Time now, const std::function<void(Conversation&)>& visit) {
  for (std::size_t i = 0; used_ != 0 && i < table_.size(); ++i) {
    auto& c = table_[i];
    if (c.key == 0) continue;
    c.expires <= now ? forget(c) : visit(c);
  }
  // A place stays, so that numbers do; what stood there may go when only we know it.
  std::erase_if(numbers_, [&](const auto& entry) {
    auto& known = known_[entry.second];
    if (known.uses != 0 || known.target.use_count() > 1) return false;
    known.target.reset();
    return true;
  });
}

std::uint32_t Conversations::number(Transport transport, const Endpoint& endpoint) {
  const auto [it, fresh] = numbers_.try_emplace({transport, endpoint}, 0);
  if (!fresh) return it->second;
  std::uint32_t free = 0;
  while (free < known_.size() && known_[free].target) ++free;
  if (free == known_.size()) known_.emplace_back();
  known_[free].target = targets_.get(transport, endpoint);
  it->second = free;
  return free;
}

}  // namespace sipward::proxy
