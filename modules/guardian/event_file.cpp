#include "event_file.hpp"

#include <mutex>
#include <utility>
#include <vector>

namespace sipward::guardian {

class EventFile::Sink final : public EventSink, public Chore {
 public:
  Sink(std::string guardian, const Setup& setup)
      : guardian_(std::move(guardian)), setup_(setup), file_(setup.path, setup.roll_size, setup.roll_keep) {}

  void take(const EventPtr& event) noexcept override {
    std::lock_guard lock(queue_mutex_);
    if (queue_.size() < kQueue) {
      queue_.push_back(event);
    } else {
      setup_.lost.add_shared(setup_.lost_as);
    }
  }

  void work() noexcept override {
    std::lock_guard one_at_a_time(file_mutex_);
    const auto events = [this] {
      std::lock_guard lock(queue_mutex_);
      return std::exchange(queue_, {});
    }();
    if (events.empty()) return;
    bool good = file_.ready();
    std::size_t lost = 0;
    for (const auto& event : events) {
      if (good) good = file_.write(setup_.format(guardian_, *event));
      if (!good) ++lost;
    }
    if (lost != 0) setup_.lost.add_shared(setup_.lost_as, lost);
    report(good);
  }

  // Opens the file, so that a path that can't be written is told of at once.
  void open() {
    std::lock_guard lock(file_mutex_);
    report(file_.ready());
  }

 private:
  void report(bool good) {
    if (good == good_) return;
    good_ = good;
    if (good) {
      setup_.log.info("sip_guardian", "decisions are written again", {{"path", file_.path()}});
    } else {
      setup_.log.error("sip_guardian", "decisions can't be written",
                       {{"path", file_.path()}, {"why", file_.why()}});
    }
  }

  const std::string guardian_;
  const Setup setup_;
  std::mutex queue_mutex_, file_mutex_;
  std::vector<EventPtr> queue_;
  LineFile file_;
  bool good_ = true;
};

EventFile::EventFile(std::shared_ptr<Instance> instance, const Setup& setup)
    : instance_(std::move(instance)), sink_(std::make_shared<Sink>(instance_->name(), setup)) {}

EventFile::~EventFile() {
  sink_->work();
}

void EventFile::start() {
  sink_->open();
  instance_->events().subscribe(sink_);
  instance_->background().add(sink_);
}

void EventFile::stop(Time) {
  sink_->work();
}

}  // namespace sipward::guardian
