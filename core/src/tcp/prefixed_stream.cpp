#include "tcp/prefixed_stream.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace sipward {

PrefixedStream::~PrefixedStream() {
  if (posted_) *posted_ = nullptr;
}

ByteStream::Result PrefixedStream::read(std::span<char> into) {
  if (first_.empty()) return below_->read(into);
  Result result;
  result.octets = std::min(into.size(), first_.size() - given_);
  std::copy_n(first_.data() + given_, result.octets, into.data());
  given_ += result.octets;
  if (given_ == first_.size()) std::string().swap(first_);
  return result;
}

void PrefixedStream::wait(Wait what, Ready ready) {
  if (what == Wait::write || first_.empty()) return below_->wait(what, std::move(ready));
  posted_ = std::make_shared<Ready>(std::move(ready));
  boost::asio::post(io_, [waiting = posted_] {
    if (const auto call = std::exchange(*waiting, nullptr)) call({});
  });
}

void PrefixedStream::close() {
  below_->close();
  if (!posted_ || !*posted_) return;
  boost::asio::post(io_, [waiting = std::exchange(posted_, nullptr)] {
    if (const auto call = std::exchange(*waiting, nullptr)) call(boost::asio::error::operation_aborted);
  });
}

}  // namespace sipward
