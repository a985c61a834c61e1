#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sipward/net.hpp"

namespace sipward::proxy {

enum class Policy : std::uint8_t {
  round_robin,
  weighted_round_robin,
  random,
  least_conn,
  first,
  ip_hash,
  call_id_hash
};

// One that a policy may choose.
struct Candidate {
  std::size_t place = 0;   // in the pool
  std::uint64_t name = 0;  // hash of its address: the same in every process
  double weight = 1;       // greater than 0
  double share = 1;        // what round_robin makes of weights: those of SRV records only
  std::int64_t load = 0;   // what is going on there
};

// Whose turn it is; smooth: a b a c a, not a a a b c. One worker's, of one pool.
class Rotation {
 public:
  // Places are those of a pool of `size`. `candidates` is not empty.
  std::size_t next(std::span<const Candidate> candidates, std::size_t size, bool weighted);

 private:
  std::vector<double> credit_;  // by place
};

// The one with the highest score of (key, candidate): when one goes only its own keys move, when one comes it
// takes an equal part of all others' (rendezvous hashing). The same in every process, so that keys keep their
// place over restarts and on both of two nodes.
std::size_t rendezvous(std::uint64_t key, std::span<const Candidate> candidates);
// A candidate at random, by weight; `random` is uniform in [0, 1).
std::size_t weighted(double random, std::span<const Candidate> candidates);
// The least loaded for its weight; among equals the one behind `after`.
std::size_t least_loaded(std::span<const Candidate> candidates, std::size_t after);

// For rendezvous(): a hash that is the same in every process. It keys no table, and somebody who aims with it
// only picks the upstream that a single caller's calls go to anyway.
std::uint64_t stable_hash(std::string_view octets);
std::uint64_t stable_hash(const Address& address);
std::uint64_t stable_hash(const Endpoint& endpoint);

}  // namespace sipward::proxy
