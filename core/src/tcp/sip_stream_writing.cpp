#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

#include "tcp/sip_stream_impl.hpp"

namespace sipward {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// The rate below which a peer is taken for one that only pretends to read.
constexpr std::size_t kLeastPerSecond = 2048;

}  // namespace

void SipStream::Impl::send(std::string_view octets) {
  if (state == State::ended || state == State::closing || close_once_open || octets.empty()) return;
  if (octets.size() > options.max_queued || queued() > options.max_queued - octets.size())
    return ended(StreamEnd::too_much_queued);
  if (queued() + octets.size() > kSmall && !may_grow(octets.size())) return ended(StreamEnd::memory);
  queue.octets.append(octets);
  if (carries_messages) queue.sizes.push_back(static_cast<std::uint32_t>(octets.size()));
  account();
  full = options.read_until_queued != 0 && queued() >= options.read_until_queued;
  if (state == State::open) write();
}

// What is sent until the kernel has told of this leaves together.
void SipStream::Impl::write() {
  if (write_pending || queue.empty() || state == State::ended) return;
  std::swap(writing, queue);
  write_pending = true;
  write_until = asio::steady_timer::clock_type::now() + options.write +
                std::chrono::seconds(writing.size() / kLeastPerSecond);
  push();
}

void SipStream::Impl::push() {
  while (!writing.empty()) {
    const auto result = stream->write(writing.front());
    if (result.status == ByteStream::Status::ok) {
      writing.took(result.octets);
      continue;
    }
    if (result.status == ByteStream::Status::end) return ended(StreamEnd::reset);
    if (result.status == ByteStream::Status::error) return failed(result);
    write_timer.expires_at(std::min(asio::steady_timer::clock_type::now() + options.write, write_until));
    write_timer.async_wait([stream_ = self.shared_from_this()](error_code error) {
      if (!error && stream_->impl_->write_pending) stream_->impl_->ended(StreamEnd::write_timeout);
    });
    writer = result.status == ByteStream::Status::want_read ? Wait::read : Wait::write;
    return arm();
  }
  asio::post(worker.io(), [stream_ = self.shared_from_this()] { stream_->impl_->wrote(); });
}

void SipStream::Impl::wrote() {
  if (state == State::ended) return;
  write_timer.cancel();
  write_pending = false;
  if (writing.octets.capacity() > kSmall)
    let_go(writing);
  else
    writing.clear();
  account();
  const auto scope = batch(worker);
  if (full && queued() < options.read_until_queued) {
    full = false;
    go_on();
  }
  if (!queue.empty()) return write();
  if (state == State::closing) return finish();
  owner.on_drained(self);
}

}  // namespace sipward
