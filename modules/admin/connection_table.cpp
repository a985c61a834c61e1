#include "connection_table.hpp"

#include <algorithm>
#include <utility>

namespace sipward::admin {
namespace {

Address counted_by(const Address& client) {
  return client.is_v4() ? client : client.masked(64);
}

bool concerns(const ConnectionSlot& slot, const Address* client) {
  return !slot.closing && (!client || counted_by(slot.client.address) == *client);
}

void close(ConnectionSlot& slot) {
  slot.closing = true;
  if (slot.close) slot.close();
}

}  // namespace

std::size_t ConnectionTable::count(const Address* client) const {
  return static_cast<std::size_t>(
      std::count_if(slots_.begin(), slots_.end(), [&](const auto& slot) { return concerns(*slot, client); }));
}

bool ConnectionTable::make_room(const Address* client) {
  ConnectionSlot* victim = nullptr;
  for (const auto& slot : slots_) {
    if (!concerns(*slot, client) || slot->stage == ConnectionSlot::Stage::answering) continue;
    if (!victim || std::pair(slot->stage, slot->since) < std::pair(victim->stage, victim->since)) {
      victim = slot.get();
    }
  }
  if (!victim) return false;
  close(*victim);
  return true;
}

std::shared_ptr<ConnectionSlot> ConnectionTable::admit(const Endpoint& client, const std::string& listen,
                                                       Time now) {
  const auto address = counted_by(client.address);
  if (count(&address) >= limits_.connections_per_client && !make_room(&address)) return nullptr;
  if (count(nullptr) >= limits_.connections && !make_room(nullptr)) return nullptr;
  auto slot = std::make_shared<ConnectionSlot>();
  slot->client = client;
  slot->listen = listen;
  slot->since = now;
  slots_.push_back(slot);
  return slot;
}

void ConnectionTable::release(const std::shared_ptr<ConnectionSlot>& slot) {
  std::erase(slots_, slot);
}

void ConnectionTable::close_waiting(const std::function<bool(const ConnectionSlot&)>& fits) {
  for (const auto& slot : slots_) {
    if (!slot->closing && slot->stage == ConnectionSlot::Stage::waiting && fits(*slot)) close(*slot);
  }
}

void ConnectionTable::end_streams() {
  for (const auto& slot : slots_) {
    if (!slot->closing && slot->end_stream) slot->end_stream();
  }
}

void ConnectionTable::close_all() {
  for (const auto& slot : slots_) close(*slot);
}

}  // namespace sipward::admin
