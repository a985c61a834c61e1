#include "hop_ports.hpp"

#include <algorithm>

#include "hop_rules.hpp"

namespace sipward::proxy {

HopPorts::HopPorts(Worker& worker, sipward::Port fixed, Receive receive)
    : worker_(worker), fixed_(fixed), receive_(std::move(receive)) {}

HopPorts::Port* HopPorts::towards(const Endpoint& upstream) {
  const auto now = worker_.now();
  auto way = std::find_if(ways_.begin(), ways_.end(), [&](const Way& w) { return w.upstream == upstream; });
  if (way != ways_.end() && now - way->asked < kAskRouteAgain) return way->port;
  // The kernel tells which of our addresses a datagram to there would leave from.
  const auto probe = worker_.open_udp({}, &upstream, [](const Endpoint&, std::string_view) {});
  if (!probe) return way != ways_.end() ? way->port : nullptr;
  auto* port = open(probe->local().address);
  if (!port) return nullptr;
  if (way == ways_.end()) way = ways_.insert(ways_.end(), Way{upstream, nullptr, {}});
  *way = {upstream, port, now};
  return port;
}

HopPorts::Port* HopPorts::open(const Address& local) {
  for (const auto& port : ports_)
    if (port->local.address == local) return port.get();
  auto made = std::make_unique<Port>();
  const auto number = fixed_ == 0 ? fixed_ : static_cast<sipward::Port>(fixed_ + worker_.index());
  made->socket = worker_.open_udp({local, number}, nullptr, receive_);
  if (!made->socket) return nullptr;
  made->local = {local, made->socket->local().port};
  append(made->sent_by, made->local);
  made->host = made->sent_by.substr(0, made->sent_by.rfind(':'));
  ports_.push_back(std::move(made));
  return ports_.back().get();
}

bool HopPorts::is_ours(const Endpoint& endpoint) const {
  return std::any_of(ports_.begin(), ports_.end(), [&](const auto& port) { return port->local == endpoint; });
}

}  // namespace sipward::proxy
