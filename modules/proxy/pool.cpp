#include "pool.hpp"

#include <algorithm>
#include <map>

namespace sipward::proxy {

Pool::Pool(const PoolOptions& options, BuildContext& context)
    : options_(options),
      checks_(context.services.find_or_make<Checks>("proxy/checks/1",
                                                    [&] { return std::make_shared<Checks>(context); })),
      targets_(Targets::get(context)) {
  for (const auto& member : options_.upstreams) upstreams_.push_back(Upstream::get(member.address, context));
  for (std::size_t i = 0; i < context.workers.count(); ++i) seats_.push_back(std::make_unique<Seat>(*this));
}

std::shared_ptr<Pool> Pool::make(const PoolOptions& options, BuildContext& context) {
  auto pool = std::make_shared<Pool>(options, context);
  for (const auto& upstream : pool->upstreams_)
    pool->watches_.push_back(upstream->watch([weak = std::weak_ptr(pool)] {
      const auto live = weak.lock();
      if (!live) return;
      live->rebuild(false);
      live->rebuild(true);
    }));
  pool->rebuild(false);
  pool->rebuild(true);
  return pool;
}

void Pool::rebuild(bool streams) const {
  std::lock_guard lock(building_);
  members_[streams].publish(built(streams));
}

std::shared_ptr<const Pool::Members> Pool::built(bool streams) const {
  auto members = std::make_shared<Members>();
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    const auto written = upstreams_[i]->transport();
    if (!written && !asked_[streams].load(std::memory_order_relaxed)) continue;
    const auto transport = written.value_or(streams ? Transport::tcp : Transport::udp);
    if (is_stream(transport) && !streams) continue;  // a datagram's client can't be held to a stream's rules
    const auto weight = static_cast<double>(options_.upstreams[i].weight);
    for (const auto& one : upstreams_[i]->resolved()) {
      const auto known = [&](const Member& m) {
        return m.target->transport() == transport && m.target->endpoint() == one.endpoint;
      };
      if (std::any_of(members->begin(), members->end(), known)) continue;
      auto& member = members->emplace_back();
      member.target = targets_->get(transport, one.endpoint);
      if (options_.check) member.check = checks_->get(member.target, *options_.check);
      member.upstream = i;
      member.tier = one.tier;
      member.name = stable_hash(one.endpoint);
      member.share = one.share;
      member.weight = weight * one.share;
    }
  }
  return members;
}

bool Pool::takes(Transport client) const {
  return std::any_of(upstreams_.begin(), upstreams_.end(), [client](const auto& upstream) {
    return is_stream(client) || !is_stream(upstream->transport().value_or(client));
  });
}

const Pool::Members& Pool::members(Seat& seat, Transport client) const {
  const bool streams = is_stream(client);
  if (!asked_[streams].load(std::memory_order_relaxed) && !asked_[streams].exchange(true)) rebuild(streams);
  return *seat.members[streams].get();
}

std::vector<Pool::View> Pool::view() const {
  std::vector<View> all;
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    std::map<Target*, Member> mine;
    for (const auto& list : members_) {
      const auto members = list.snapshot();
      for (const auto& member : *members)
        if (member.upstream == i) mine.emplace(member.target.get(), member);
    }
    View base{upstreams_[i]->name(), &options_.upstreams[i], {}, upstreams_[i]->addresses()};
    if (mine.empty()) all.push_back(base);
    for (auto& [target, member] : mine) {
      base.member = std::move(member);
      all.push_back(base);
    }
  }
  return all;
}

}  // namespace sipward::proxy
