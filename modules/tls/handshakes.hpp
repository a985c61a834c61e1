#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "faults.hpp"
#include "sipward/build_context.hpp"

namespace sipward::tls {

// The handshakes that are under way, which cost far more than what follows them: counted in the whole process
// and by source, and refused beyond a ceiling. The service "tls/handshakes", with the metrics of all TLS.
class Handshakes final : public Service {
 public:
  struct Limits {
    std::size_t total = 0, per_source = 0;
  };
  // A place among them, given back when it ends. One worker's.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : all_(std::move(other.all_)), worker_(other.worker_), key_(other.key_) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(all_, other.all_);
      std::swap(worker_, other.worker_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Place() {
      if (all_) all_->leave(worker_, key_);
    }
    explicit operator bool() const { return all_ != nullptr; }

   private:
    friend class Handshakes;
    std::shared_ptr<Handshakes> all_;
    std::size_t worker_ = 0;
    std::uint64_t key_ = 0;
  };

  static std::shared_ptr<Handshakes> get(BuildContext& context);
  Handshakes(Metrics& metrics, std::size_t workers);

  // On the source's worker. No place, and counted, when a ceiling is reached.
  static Place enter(const std::shared_ptr<Handshakes>& all, Worker& worker, const Address& source,
                     const Limits& limits);
  void ended(const Worker& worker, Handshake how) const {
    results.add(worker.index(), static_cast<std::size_t>(how));
  }
  std::size_t running() const { return running_.load(std::memory_order_relaxed); }

  Counter results, versions, broken, reloads;
  enum Version : std::size_t { tls1_2, tls1_3 };
  enum Reload : std::size_t { taken, refused };

 private:
  void leave(std::size_t worker, std::uint64_t key);

  std::atomic<std::size_t> running_ = 0;
  struct alignas(64) PerWorker {
    std::unordered_map<std::uint64_t, std::size_t> by_source;  // never more than handshakes
  };
  std::vector<PerWorker> workers_;
};

}  // namespace sipward::tls
