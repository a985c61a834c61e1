#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "routing/route_tree.hpp"

namespace sipward {

// The configurations that nothing runs in any more. Any thread may be the last to let go of one, but its end
// closes files and ends services, so it is the control thread's.
class RetiredTrees {
 public:
  explicit RetiredTrees(boost::asio::io_context& control);  // which must outlive what was lent

  // The tree, by a pointer whose last copy any thread may drop.
  std::shared_ptr<const RouteTree> lend(std::shared_ptr<const RouteTree> tree);
  // Ends those that nobody holds any more. Runs by itself on the control thread after the last copy was
  // dropped.
  void end() { end(*shared_); }

 private:
  struct Shared;
  static void end(Shared& shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace sipward
