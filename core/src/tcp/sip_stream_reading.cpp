#include <boost/asio/post.hpp>

#include <algorithm>

#include "tcp/sip_stream_impl.hpp"

namespace sipward {

namespace asio = boost::asio;
using boost::system::error_code;

// No buffer waits with it: thousands of idle connections cost next to nothing.
void SipStream::Impl::read() {
  if (reading || stopped() || state != State::open) return;
  reading = true;
  arm_read_timer();
  await_octets(Wait::read);
}

void SipStream::Impl::await_octets(Wait what) {
  reader = what;
  arm();
}

void SipStream::Impl::may_read() {
  reading = false;
  if (!paused) read_timer.cancel();
  if (state == State::closing) return discard_some();
  if (state == State::open && !stopped()) read_some();
}

void SipStream::Impl::read_some() {
  const auto scratch = worker.stream_scratch();
  const auto result = stream->read(scratch);
  switch (result.status) {
    case ByteStream::Status::ok:
      break;
    case ByteStream::Status::want_read:
      return read();
    case ByteStream::Status::want_write:
      reading = true;
      arm_read_timer();
      return await_octets(Wait::write);
    case ByteStream::Status::end:
      return ended(between_messages() ? StreamEnd::closed_by_peer : StreamEnd::cut_short);
    case ByteStream::Status::error:
      return failed(result);
  }
  seen_octets = true;
  const std::string_view octets(scratch.data(), result.octets);
  if (carries_messages) return serve_whole(octets, result.message_ends);
  if (buffer.empty()) return serve(octets);
  if (!may_grow(octets.size())) return ended(StreamEnd::memory);
  buffer.append(octets);
  serve(buffer);
}

// `octets` are the buffer's, or were just read and never got there.
void SipStream::Impl::serve(std::string_view octets) {
  serving = true;
  std::size_t used = 0;
  while (state == State::open && !stopped()) {
    const auto waiting = octets.substr(used);
    const auto result = framer.next(waiting);
    if (result.what == sip::Framer::What::need_more) break;
    if (result.what == sip::Framer::What::error) {
      owner.on_framing_error(self, result.error,
                             result.can_reply ? waiting.substr(0, result.size) : std::string_view());
      close(StreamEnd::framing);
      break;
    }
    used += result.size;
    if (result.what == sip::Framer::What::message) {
      got_message(waiting.substr(0, result.size));
    } else if (!take_keep_alive()) {
      ended(StreamEnd::keep_alive_flood);
    } else if (result.what == sip::Framer::What::ping) {
      send("\r\n");
      owner.on_keep_alive(self);
    }
  }
  serving = false;
  if (state == State::open) return keep_rest(octets.substr(used)), read();
  let_go(buffer);
  account();
}

void SipStream::Impl::got_message(std::string_view octets) {
  message_since = Time{};
  quiet_since = worker.now();
  seen_message = true;
  keep_alives = options.keep_alives;
  owner.on_message(self, octets);
}

// What is left waits in the buffer, which `left` may point into.
void SipStream::Impl::keep_rest(std::string_view left) {
  if (left.empty()) {
    if (buffer.capacity() > kSmall)
      let_go(buffer);
    else
      buffer.clear();
  } else if (buffer.empty()) {
    if (!may_grow(left.size())) return ended(StreamEnd::memory);
    buffer.assign(left);
  } else {
    buffer.erase(0, buffer.size() - left.size());
  }
  account();
}

// Where message ends are the stream's own: a read never goes beyond one.
void SipStream::Impl::serve_whole(std::string_view octets, bool message_ends) {
  if (octets.size() > options.limits.message - std::min(options.limits.message, buffer.size())) {
    owner.on_framing_error(self, sip::FramingError::message_too_long, {});
    close(StreamEnd::framing);
    let_go(buffer);
    return account();
  }
  if (!message_ends || !buffer.empty()) {
    if (!may_grow(octets.size())) return ended(StreamEnd::memory);
    buffer.append(octets);
    octets = buffer;
  }
  if (message_ends) {
    serving = true;
    whole_message(octets);
    serving = false;
    let_go(buffer);
  }
  account();
  if (state == State::open) read();
}

// RFC 7118 6: the keep-alives of RFC 5626 may come as messages of their own.
void SipStream::Impl::whole_message(std::string_view octets) {
  if (octets.find_first_not_of("\r\n") != std::string_view::npos) return got_message(octets);
  message_since = Time{};
  if (!take_keep_alive()) return ended(StreamEnd::keep_alive_flood);
  if (octets != "\r\n\r\n") return;
  send("\r\n");
  owner.on_keep_alive(self);
}

bool SipStream::Impl::take_keep_alive() {
  if (options.keep_alives == 0) return true;
  const auto now = worker.now();
  const auto earned = std::chrono::duration_cast<std::chrono::seconds>(now - keep_alive_at);
  if (earned.count() > 0) {
    keep_alives =
        std::min<std::size_t>(options.keep_alives, keep_alives + static_cast<std::size_t>(earned.count()));
    keep_alive_at = now;
  }
  if (keep_alives == 0) return false;
  --keep_alives;
  return true;
}

void SipStream::Impl::arm_read_timer() {
  Duration limit = options.idle;
  auto reason = StreamEnd::idle_timeout;
  Time from = quiet_since;
  if (!between_messages()) {
    if (message_since == Time{}) message_since = worker.now();
    from = message_since;
    const bool has_head = !carries_messages && framer.message_size().has_value();
    limit = has_head ? options.head + options.body : options.head;
    reason = has_head ? StreamEnd::body_timeout : StreamEnd::head_timeout;
  } else if (!seen_message && options.first > Duration::zero()) {
    limit = options.first;
    reason = StreamEnd::first_timeout;
  }
  if (limit <= Duration::zero()) return;
  read_timer.expires_at(from + limit);
  read_timer.async_wait([stream_ = self.shared_from_this(), reason](error_code error) {
    if (!error) stream_->impl_->read_timer_rang(reason);
  });
}

void SipStream::Impl::read_timer_rang(StreamEnd reason) {
  if (!reading || stopped()) return;
  const auto scope = batch(worker);
  const bool asks = reason == StreamEnd::idle_timeout || (reason == StreamEnd::first_timeout && seen_octets);
  if (asks && owner.may_stay_idle(self)) {
    quiet_since = worker.now();
    return arm_read_timer();
  }
  ended(reason);
}

// Reads on where it stopped. The time in between was not the peer's to use.
void SipStream::Impl::go_on() {
  if (stopped() || state != State::open) return;
  quiet_since = worker.now();
  message_since = Time{};
  if (serving) return;
  if (reading) return arm_read_timer();
  asio::post(worker.io(), [stream_ = self.shared_from_this()] {
    auto& impl = *stream_->impl_;
    if (impl.state != State::open || impl.stopped() || impl.reading || impl.serving) return;
    const auto scope = batch(impl.worker);
    if (impl.carries_messages) return impl.read();
    impl.serve(impl.buffer);
  });
}

void SipStream::Impl::set_pause(bool pause) {
  if (paused == pause || state != State::open) return;
  paused = pause;
  read_timer.cancel();
  if (!pause) return go_on();
  read_timer.expires_after(options.paused);
  read_timer.async_wait([stream_ = self.shared_from_this()](error_code error) {
    if (!error && stream_->impl_->paused) stream_->impl_->ended(StreamEnd::write_timeout);
  });
}

void SipStream::Impl::set_hold(bool hold) {
  if (held == hold) return;
  held = hold;
  if (paused) return;  // whose deadline is running
  read_timer.cancel();
  if (!hold) go_on();
}

void SipStream::Impl::set_delay(Duration time) {
  if (state != State::open || time <= Duration::zero()) return;
  delayed = true;
  if (!paused) read_timer.cancel();
  if (!delay_timer) delay_timer = std::make_unique<asio::steady_timer>(worker.io());
  delay_timer->expires_after(time);
  delay_timer->async_wait([stream_ = self.shared_from_this()](error_code error) {
    if (error) return;
    stream_->impl_->delayed = false;
    if (!stream_->impl_->paused) stream_->impl_->go_on();
  });
}

}  // namespace sipward
