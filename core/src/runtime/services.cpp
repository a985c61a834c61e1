#include "sipward/services.hpp"

namespace sipward {

std::vector<std::shared_ptr<Service>> Services::take_new() {
  std::vector<std::shared_ptr<Service>> result;
  for (auto& weak : fresh_)
    if (auto service = weak.lock()) result.push_back(std::move(service));
  fresh_.clear();
  return result;
}

std::vector<std::shared_ptr<Service>> Services::all() const {
  std::vector<std::shared_ptr<Service>> result;
  for (const auto& [name, weak] : table_)
    if (auto service = weak.lock()) result.push_back(std::move(service));
  return result;
}

std::shared_ptr<Service> Services::lookup(std::string_view name) const {
  const auto it = table_.find(name);
  return it == table_.end() ? nullptr : it->second.lock();
}

void Services::add(std::string_view name, std::shared_ptr<Service> service) {
  table_.insert_or_assign(std::string(name), service);
  fresh_.push_back(service);
}

}  // namespace sipward
