#include "offenders.hpp"

#include <algorithm>
#include <tuple>

namespace sipward::guardian {
namespace {

bool worse(const Offenders::Offender& a, const Offenders::Offender& b) {
  return std::tie(a.proven, a.detections, a.last) > std::tie(b.proven, b.detections, b.last);
}

}  // namespace

void Offenders::note(const Offender& found) {
  list_.with([&](auto& list) {
    const auto known = std::find_if(list.begin(), list.end(), [&](auto& o) { return o.host == found.host; });
    if (known != list.end()) {
      known->reason = found.reason;
      known->proven = known->proven || found.proven;
      known->detections += found.detections;
      known->users += found.users;
      known->last = found.last;
    } else if (list.size() < kKept) {
      list.push_back(found);
    } else if (const auto least = std::max_element(list.begin(), list.end(), worse);
               found.proven || !least->proven) {
      *least = found;
    }
  });
}

std::vector<Offenders::Offender> Offenders::worst() const {
  auto list = list_.with([](const auto& l) { return l; });
  std::sort(list.begin(), list.end(), worse);
  return list;
}

}  // namespace sipward::guardian
