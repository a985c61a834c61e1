#include "keeper.hpp"

#include <mutex>
#include <utility>
#include <vector>

namespace sipward::guardian {
namespace {

constexpr std::chrono::minutes kHitsEvery{1};

}  // namespace

// What instance and storage hold of the keeper, weakly. It owns no thread, so that it may end anywhere.
class Keeper::Link final : public EventSink, public BanKeeper, public Chore, public Storage::Client {
 public:
  Link(const std::shared_ptr<Instance>& instance, std::shared_ptr<StorageQueue> queue, Counter lost)
      : name_(std::make_shared<const std::string>(instance->name())),
        queue_(std::move(queue)),
        lost_(std::move(lost)),
        instance_(instance.get()) {}

  void take(const EventPtr& event) noexcept override {
    if (event->ban && !event->shadow) {
      const auto what = event->kind == EventKind::ban ? StorageOp::What::ban : StorageOp::What::unban;
      queue_->push(StorageOp{what, name_, event->ban});
    }
    if (!queue_->push(HistoryOp{name_, event})) lost_.add_shared(0);
  }

  void forget(const Cidr& prefix) override {
    queue_->push(StorageOp{StorageOp::What::forget, name_, nullptr, 0, prefix});
  }
  bool settle(std::chrono::milliseconds most) override { return queue_->flush(most); }

  void work() noexcept override {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_hits_) return;
    next_hits_ = now + kHitsEvery;
    note_hits();
  }

  // Stores the hits that changed since the last time.
  void note_hits() {
    std::lock_guard lock(mutex_);
    if (!instance_) return;
    for (const auto& ban : instance_->store().hit_since(noted_))
      queue_->push(StorageOp{StorageOp::What::hits, name_, ban, ban->hits});
  }

  std::shared_ptr<const std::string> guardian() const override { return name_; }
  void restore(KeptBans kept) override {
    std::lock_guard lock(mutex_);
    if (instance_) instance_->restore(std::move(kept));
  }
  std::uint64_t last_id() const override {
    std::lock_guard lock(mutex_);
    return instance_ ? instance_->store().last_id() : 0;
  }
  std::vector<BanPtr> in_force(std::uint64_t after) const override {
    std::lock_guard lock(mutex_);
    return instance_ ? instance_->store().some(after, Storage::kPart) : std::vector<BanPtr>();
  }
  // The instance may end after this, whoever still holds the link.
  void detach() {
    std::lock_guard lock(mutex_);
    instance_ = nullptr;
  }

 private:
  std::shared_ptr<const std::string> name_;
  std::shared_ptr<StorageQueue> queue_;
  Counter lost_;
  mutable std::mutex mutex_;
  Instance* instance_;
  BanStore::Hits noted_;  // as they were stored
  std::chrono::steady_clock::time_point next_hits_ = std::chrono::steady_clock::now() + kHitsEvery;
};

Keeper::Keeper(std::shared_ptr<Instance> instance, std::shared_ptr<Storage> storage, Logger& log,
               Counter lost)
    : instance_(std::move(instance)),
      storage_(std::move(storage)),
      log_(log),
      link_(std::make_shared<Link>(instance_, storage_->queue(), std::move(lost))) {}

Keeper::~Keeper() {
  link_->note_hits();
  link_->detach();
}

void Keeper::start() {
  // First, so that no decision falls between what is restored and what is told.
  instance_->events().subscribe(link_);
  instance_->add_keeper(link_);
  instance_->background().add(link_);
  if (storage_->attach(link_, kPatience)) return;
  log_.warn("sip_guardian", "storage is slow; its bans come into force later",
            {{"guardian", instance_->name()}, {"path", storage_->path()}});
}

void Keeper::stop(Time) {
  link_->note_hits();
}

}  // namespace sipward::guardian
