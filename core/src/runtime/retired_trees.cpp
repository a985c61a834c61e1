#include "runtime/retired_trees.hpp"

#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>
#include <vector>

namespace sipward {

struct RetiredTrees::Shared {
  explicit Shared(boost::asio::io_context& io) : control(io) {}
  boost::asio::io_context& control;
  std::mutex mutex;
  std::vector<std::shared_ptr<const RouteTree>> trees;  // guarded by mutex
};

RetiredTrees::RetiredTrees(boost::asio::io_context& control) : shared_(std::make_shared<Shared>(control)) {}

std::shared_ptr<const RouteTree> RetiredTrees::lend(std::shared_ptr<const RouteTree> tree) {
  const auto* lent = tree.get();
  return {lent, [shared = shared_, tree = std::move(tree)](const RouteTree*) mutable {
            {
              std::lock_guard lock(shared->mutex);
              shared->trees.push_back(std::move(tree));
            }
            boost::asio::post(shared->control, [shared] { end(*shared); });
          }};
}

void RetiredTrees::end(Shared& shared) {
  std::vector<std::shared_ptr<const RouteTree>> trees;
  std::lock_guard lock(shared.mutex);
  trees.swap(shared.trees);
}  // they end here, outside the lock

}  // namespace sipward
