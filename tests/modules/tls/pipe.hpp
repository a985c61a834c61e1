#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <string>
#include <utility>

#include "sipward/byte_stream.hpp"

namespace sipward::test {

// What goes one way between two ends of a connection.
struct Pipe {
  std::string octets;
  std::size_t room = std::size_t{1} << 20;  // how many octets it takes before the writer has to wait
  std::size_t most = std::size_t{1} << 20;  // how many a read gives at a time: split segments
  bool ended = false;
};

// One end of a connection without sockets: waits are called by settle().
class PipeEnd final : public ByteStream {
 public:
  PipeEnd(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out) : in_(std::move(in)), out_(std::move(out)) {}
  ~PipeEnd() override { out_->ended = true; }

  Result read(std::span<char> into) override {
    Result result;
    if (in_->octets.empty()) {
      result.status = in_->ended ? Status::end : Status::want_read;
      return result;
    }
    result.octets = std::min({into.size(), in_->octets.size(), in_->most});
    std::copy_n(in_->octets.begin(), result.octets, into.begin());
    in_->octets.erase(0, result.octets);
    return result;
  }
  Result write(std::string_view octets) override {
    Result result;
    const auto room = out_->room > out_->octets.size() ? out_->room - out_->octets.size() : 0;
    result.octets = std::min(room, octets.size());
    if (result.octets == 0) result.status = Status::want_write;
    out_->octets += octets.substr(0, result.octets);
    return result;
  }
  void wait(Wait what, Ready ready) override { (what == Wait::read ? on_read : on_write) = std::move(ready); }
  void shutdown() override { out_->ended = true; }
  void close() override { out_->ended = true; }
  std::size_t memory() const override { return 0; }

  Ready on_read, on_write;

 private:
  std::shared_ptr<Pipe> in_, out_;
};

}  // namespace sipward::test
