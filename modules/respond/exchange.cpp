#include "exchange.hpp"

#include <utility>

#include "sipward/packet.hpp"

namespace sipward::respond {

WorkerCalls::WorkerCalls(Worker& worker, const Clock& clock)
    : worker_(worker), clock_(clock), timer_(worker.io()) {}

void WorkerCalls::run(Time now) {
  table.run(now, [this](const Peer& to, std::string_view octets) { deliver(to, octets); });
  arm();
}

void WorkerCalls::refuse(Call& call, Time now) {
  table.refuse(call, now, [this](const Peer& to, std::string_view octets) { deliver(to, octets); });
  arm();
}

void WorkerCalls::deliver(const Peer& to, std::string_view octets) {
  Packet packet(worker_, Direction::outbound);
  packet.assign(to, octets);
  worker_.deliver(packet);
}

void WorkerCalls::arm() {
  const Time due = table.next_due();
  // A wake-up that comes too early is cheap, so only an earlier one is asked for anew.
  if (due >= armed_) return;
  armed_ = due;
  timer_.expires_at(due);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!self || error) return;
    self->armed_ = Time::max();
    self->run(self->clock_.now());
  });
}

Exchange::Exchange(Workers& workers, const Clock& clock)
    : workers_(workers), clock_(clock), calls_(workers.count()) {}

Exchange::~Exchange() {
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (calls_[i]) workers_.post(i, [last = std::move(calls_[i])](Worker&) {});
  }
}

WorkerCalls& Exchange::calls(Worker& worker) {
  auto& slot = calls_[worker.index()];
  if (!slot) slot = std::make_shared<WorkerCalls>(worker, clock_);
  return *slot;
}

}  // namespace sipward::respond
