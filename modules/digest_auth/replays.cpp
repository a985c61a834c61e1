#include "replays.hpp"

namespace sipward::digest_auth {

Replays::Use Replays::use(std::uint64_t nonce, std::uint32_t count, std::uint64_t request, Time now,
                          Time until) {
  for (int looked = 0; looked < 4 && !ends_.empty() && ends_.front().at <= now; ++looked) {
    used_.erase(ends_.front().nonce);
    ends_.pop_front();
  }
  auto it = used_.find(nonce);
  if (it == used_.end()) {
    if (used_.size() >= kMax) return Use::full;
    it = used_.emplace(nonce, Counts{}).first;
    ends_.push_back({until, nonce});
  }
  auto& counts = it->second;
  auto& last = counts.last[count % counts.last.size()];
  if (count > counts.highest) {
    const auto ahead = count - counts.highest;
    counts.before = ahead >= kWindow ? 0 : counts.before << ahead;
    counts.before |= 1;
    counts.highest = count;
    last = request;
    return Use::fresh;
  }
  const auto behind = counts.highest - count;
  if (behind >= kWindow) return Use::replayed;
  const auto bit = std::uint64_t{1} << behind;
  if ((counts.before & bit) != 0) return last == request ? Use::again : Use::replayed;
  counts.before |= bit;
  last = request;
  return Use::fresh;
}

}  // namespace sipward::digest_auth
