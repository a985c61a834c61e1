#include "balancing.hpp"

#include <cmath>
#include <limits>

namespace sipward::proxy {
namespace {

constexpr HashKey kStable{0x736970776172640aULL, 0x70726f78790a6c62ULL};

// Uniform in (0, 1).
double unit(std::uint64_t hash) {
  return (static_cast<double>(hash >> 11) + 0.5) * 0x1p-53;
}

std::uint64_t score(std::uint64_t key, std::uint64_t name) {
  const std::uint64_t both[]{key, name};
  return keyed_hash(kStable, std::string_view(reinterpret_cast<const char*>(both), sizeof both));
}

}  // namespace

std::uint64_t stable_hash(std::string_view octets) {
  return keyed_hash(kStable, octets);
}
std::uint64_t stable_hash(const Address& address) {
  return keyed_hash(kStable, address);
}
std::uint64_t stable_hash(const Endpoint& endpoint) {
  return keyed_hash(kStable, endpoint);
}

std::size_t Rotation::next(std::span<const Candidate> candidates, std::size_t size, bool weighted) {
  if (credit_.size() != size) credit_.assign(size, 0);
  double total = 0;
  std::size_t best = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto weight = weighted ? candidates[i].weight : candidates[i].share;
    total += weight;
    credit_[candidates[i].place] += weight;
    if (credit_[candidates[i].place] > credit_[candidates[best].place] + 1e-9) best = i;
  }
  credit_[candidates[best].place] -= total;
  return best;
}

std::size_t rendezvous(std::uint64_t key, std::span<const Candidate> candidates) {
  std::size_t best = 0;
  double highest = -1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto s = candidates[i].weight / -std::log(unit(score(key, candidates[i].name)));
    if (s > highest) highest = s, best = i;
  }
  return best;
}

std::size_t weighted(double random, std::span<const Candidate> candidates) {
  double total = 0;
  for (const auto& c : candidates) total += c.weight;
  auto at = random * total;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if ((at -= candidates[i].weight) < 0) return i;
  return candidates.size() - 1;
}

std::size_t least_loaded(std::span<const Candidate> candidates, std::size_t after) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t n = 0; n < candidates.size(); ++n) {
    const auto i = (after + n) % candidates.size();
    // One more than there is, or weights would mean nothing to idle ones.
    const auto load = static_cast<double>(candidates[i].load + 1) / candidates[i].weight;
    if (load < least) least = load, best = i;
  }
  return best;
}

}  // namespace sipward::proxy
