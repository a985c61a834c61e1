#include "udp/send_queue.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "udp/sockets.hpp"

namespace sipward {

SendQueue::SendQueue() : arena_(new char[kArena]), headers_(kMaxItems), pieces_(kMaxItems) {
  items_.reserve(kMaxItems);
  dirty_.reserve(kMaxItems);
}

void SendQueue::add(SendTarget& target, std::string_view octets, const Endpoint* to, const Address* from) {
  const bool reachable = target.connected || (to && (target.v6 || to->address.is_v4()));
  if (octets.size() > 65'535 || target.fd < 0 || !reachable) {
    ++counts_.failed;
    return;
  }
  if (items_.size() == kMaxItems || octets.size() > kArena - used_) flush();
  auto& item = items_.emplace_back();
  item.offset = used_;
  item.size = octets.size();
  std::memcpy(arena_.get() + used_, octets.data(), octets.size());
  used_ += octets.size();
  if (!target.connected) {
    item.name_size = to_sockaddr(*to, target.v6, item.name);
    if (target.choose_source && from && !from->is_unspecified())
      item.control_size = write_source(*from, item.control.octets);
  }
  const auto index = static_cast<std::int32_t>(items_.size()) - 1;
  if (target.first < 0) {
    target.first = index;
    dirty_.push_back(&target);
  } else {
    items_[static_cast<std::size_t>(target.last)].next = index;
  }
  target.last = index;
}

void SendQueue::flush() {
  for (auto* target : dirty_) send(*target);
  dirty_.clear();
  items_.clear();
  used_ = 0;
}

void SendQueue::forget(SendTarget& target) {
  if (target.first < 0) return;
  std::erase(dirty_, &target);
  target.first = target.last = -1;
}

void SendQueue::send(SendTarget& target) {
  unsigned count = 0;
  for (auto i = target.first; i >= 0; i = items_[static_cast<std::size_t>(i)].next, ++count) {
    auto& item = items_[static_cast<std::size_t>(i)];
    pieces_[count] = {arena_.get() + item.offset, item.size};
    auto& h = headers_[count].msg_hdr;
    h = {};
    h.msg_iov = &pieces_[count];
    h.msg_iovlen = 1;
    if (item.name_size != 0) {
      h.msg_name = &item.name;
      h.msg_namelen = item.name_size;
    }
    if (item.control_size != 0) {
      h.msg_control = item.control.octets;
      h.msg_controllen = item.control_size;
    }
  }
  target.first = target.last = -1;
  bool again = false;
  for (unsigned done = 0; done < count;) {
    const int n = sendmmsg(target.fd, headers_.data() + done, count - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      done += static_cast<unsigned>(n);
      counts_.sent += static_cast<unsigned>(n);
      again = false;
      continue;
    }
    if (errno == EINTR) continue;
    // An ICMP error of an earlier datagram is reported once, by the next call: that one deserves a second
    // try.
    const bool stale = errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH;
    if (stale && !again) {
      again = true;
      continue;
    }
    again = false;
    ++done;
    ++counts_.failed;
  }
}

}  // namespace sipward
