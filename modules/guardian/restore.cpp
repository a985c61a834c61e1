#include <algorithm>
#include <utility>

#include "instance.hpp"
#include "users.hpp"

namespace sipward::guardian {
namespace {

constexpr std::size_t kPart = 4'096;  // bans whose streams a worker closes at a time

}  // namespace

std::size_t Instance::restore(KeptBans kept, Tell tell) {
  std::size_t refused = 0;
  std::erase_if(kept.bans, [&](const auto& ban) {
    if (protected_.why(ban->prefix).empty()) return false;
    ++refused;
    return true;
  });
  const auto by_user = [](Scope scope) { return scope == Scope::identity; };
  const auto users = std::stable_partition(kept.bans.begin(), kept.bans.end(),
                                           [&](const auto& ban) { return !by_user(ban->scope); });
  auto named = std::make_shared<KeptBans>();
  named->bans.assign(std::move_iterator(users), std::move_iterator(kept.bans.end()));
  kept.bans.erase(users, kept.bans.end());
  for (auto& repeat : kept.repeats) {
    if (by_user(repeat.scope)) {
      named->repeats.push_back(std::move(repeat));
    } else {
      store_.restore(repeat, 0);
    }
  }
  const auto count = bring_back(std::move(kept.bans), tell) + named->bans.size();
  if (!named->bans.empty() || !named->repeats.empty()) {
    // Users are known by a hash whose key only workers have, and it is another one in each process.
    workers_.post(0, [weak = weak_from_this(), named, tell](Worker& worker) {
      const auto self = weak.lock();
      if (!self) return;
      for (auto& ban : named->bans) ban->user = user_hash(ban->user_text, worker.sources());
      for (const auto& repeat : named->repeats)
        self->store_.restore(repeat, user_hash(repeat.user_text, worker.sources()));
      self->bring_back(std::move(named->bans), tell);
    });
  }
  if (refused != 0) {
    log_.warn("sip_guardian", "stored bans of protected addresses are not in force",
              {{"guardian", name_}, {"bans", std::to_string(refused)}});
  }
  return count;
}

std::size_t Instance::bring_back(std::vector<std::unique_ptr<Ban>> bans, Tell tell) {
  std::size_t count = 0;
  auto closing = std::make_shared<std::vector<Cidr>>();
  const auto close = [&] {
    if (closing->empty()) return;
    const auto full = std::exchange(closing, std::make_shared<std::vector<Cidr>>());
    workers_.post_all([full](Worker& worker) {
      for (const auto& prefix : *full) worker.close_source(prefix);
    });
  };
  for (auto& ban : bans) {
    const auto added = store_.restore(std::move(ban));
    ban.reset();
    give_way(added.out);
    if (!added.ban) continue;
    ++count;
    if (tell == Tell::no) continue;
    events_.publish(event_of(EventKind::ban, added.ban, added.ban->source));
    if (covers_whole_addresses(*added.ban)) closing->push_back(added.ban->prefix);
    if (closing->size() == kPart) close();
  }
  close();
  return count;
}

}  // namespace sipward::guardian
