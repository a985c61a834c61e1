#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <netinet/tcp.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "runtime/worker_thread.hpp"
#include "sipward/stream.hpp"

namespace sipward {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

std::string_view to_string(StreamEnd end) {
  switch (end) {
    case StreamEnd::closed_by_us:
      return "closed_by_us";
    case StreamEnd::closed_by_peer:
      return "closed_by_peer";
    case StreamEnd::cut_short:
      return "cut_short";
    case StreamEnd::reset:
      return "reset";
    case StreamEnd::error:
      return "error";
    case StreamEnd::framing:
      return "framing";
    case StreamEnd::head_timeout:
      return "head_timeout";
    case StreamEnd::body_timeout:
      return "body_timeout";
    case StreamEnd::first_timeout:
      return "first_timeout";
    case StreamEnd::idle_timeout:
      return "idle_timeout";
    case StreamEnd::write_timeout:
      return "write_timeout";
    case StreamEnd::too_much_queued:
      return "too_much_queued";
    case StreamEnd::keep_alive_flood:
      return "keep_alive_flood";
    case StreamEnd::memory:
      return "memory";
    case StreamEnd::displaced:
      return "displaced";
    case StreamEnd::connect_timeout:
      return "connect_timeout";
  }
  return "error";
}

// Everything runs in callbacks on one thread; each holds the stream, so it lives until the last one ran.
struct SipStream::Impl {
  enum class State : std::uint8_t { fresh, connecting, open, closing, ended };

  WorkerThread& worker;
  tcp::socket socket;
  Owner& owner;
  Options options;
  sip::Framer framer;
  asio::steady_timer read_timer, write_timer;
  std::unique_ptr<asio::steady_timer> delay_timer;  // made when it is first needed
  std::string buffer;          // read and not consumed; what is consumed at once never gets here
  std::string queue, writing;  // to be written; being written
  std::size_t accounted = 0;   // of these three, in the worker's sum
  State state = State::fresh;
  // Why it is not read; full: read_until_queued.
  bool paused = false, held = false, delayed = false, full = false;
  bool reading = false, write_pending = false;
  bool seen_octets = false, seen_message = false;
  bool serving = false;  // inside the framing loop
  bool disowned = false;
  bool dialled = false;
  bool close_once_open = false;  // close() was called while dialling, with something queued
  Time quiet_since{};            // the end of the last message, or what counts like it
  Time message_since{};          // the first octet of the one that is not complete; unset between messages
  Time write_until{};            // when what is being written must be gone
  Time keep_alive_at{};          // of the last refill of keep_alives
  std::size_t keep_alives = 0;   // that may still come before the next message
  StreamEnd why = StreamEnd::closed_by_us;

  Impl(Worker& w, tcp::socket s, Owner& o, const Options& opt)
      : worker(static_cast<WorkerThread&>(w)),
        socket(std::move(s)),
        owner(o),
        options(opt),
        framer(opt.limits),
        read_timer(w.io()),
        write_timer(w.io()),
        keep_alives(opt.keep_alives) {}
  ~Impl() { worker.stream_memory() -= accounted; }

  static constexpr auto kLinger = std::chrono::seconds(2);
  static constexpr std::size_t kSmall = 16 * 1024;  // a buffer that may be kept for the next time

  // The rate below which a peer is taken for one that only pretends to read.
  static constexpr std::size_t kLeastPerSecond = 2048;

  static void let_go(std::string& octets) { std::string().swap(octets); }

  static WorkerThread::Batch batch(WorkerThread& w) { return WorkerThread::Batch(w); }

  void tune() {
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    using Int = int;
    const auto set = [&](int option, Int value) {
      setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
    };
    set(TCP_KEEPIDLE, 60);
    set(TCP_KEEPINTVL, 15);
    set(TCP_KEEPCNT, 4);
    set(TCP_USER_TIMEOUT, 30'000);
    set(TCP_NOTSENT_LOWAT, 128 * 1024);  // or the kernel would queue megabytes for who reads nothing
  }

  void ended(SipStream& self, StreamEnd reason) {
    if (state == State::ended) return;
    state = State::ended;
    why = reason;
    error_code ignored;
    socket.close(ignored);
    read_timer.cancel();
    write_timer.cancel();
    delay_timer.reset();
    let_go(queue);
    if (!serving) let_go(buffer);  // or else the owner may be looking at it
    account();
    if (dialled) worker.metrics().upstreams_ended.add(worker.index(), static_cast<std::size_t>(reason));
    // Not from inside the owner's own call.
    asio::post(worker.io(), [stream = self.shared_from_this(), reason] {
      if (stream->impl_->disowned) return;
      const auto scope = batch(stream->impl_->worker);
      stream->impl_->owner.on_ended(*stream, reason);
    });
  }

  // Keeps the worker's sum right. `writing` stays until the kernel let go of it.
  void account() {
    const auto on_heap = [](const std::string& s) {
      return s.capacity() > std::string().capacity() ? s.capacity() : 0;
    };
    const auto now = on_heap(buffer) + on_heap(queue) + on_heap(writing);
    worker.stream_memory() += now - accounted;
    accounted = now;
  }
  bool may_grow(const SipStream& self, std::size_t by) const {
    const auto limit = self.favoured ? 2 * kMemoryPerWorker : kMemoryPerWorker;
    const auto used = worker.stream_memory();
    return used <= limit && by <= limit - used;
  }

  // --- reading ---------------------------------------------------------------------------------------------

  bool stopped() const { return paused || held || delayed || full; }

  // No buffer waits with it: thousands of idle connections cost next to nothing.
  void read(SipStream& self) {
    if (reading || stopped() || state != State::open) return;
    reading = true;
    arm_read_timer(self);
    await_octets(self);
  }

  void await_octets(SipStream& self) {
    socket.async_wait(tcp::socket::wait_read, [stream = self.shared_from_this()](error_code error) {
      auto& impl = *stream->impl_;
      impl.reading = false;
      if (!impl.paused) impl.read_timer.cancel();
      if (error || impl.state == State::ended) return;
      const auto scope = batch(impl.worker);
      if (impl.state == State::closing) return impl.discard_some(*stream);
      if (impl.state == State::open && !impl.stopped()) impl.read_some(*stream);
    });
  }

  void read_some(SipStream& self) {
    const auto scratch = worker.stream_scratch();
    error_code error;
    const auto n = socket.read_some(asio::buffer(scratch.data(), scratch.size()), error);
    if (error == asio::error::would_block || error == asio::error::interrupted) return read(self);
    if (error) return read_failed(self, error);
    seen_octets = true;
    if (buffer.empty()) return serve(self, {scratch.data(), n});
    if (!may_grow(self, n)) return ended(self, StreamEnd::memory);
    buffer.append(scratch.data(), n);
    serve(self, buffer);
  }

  void read_failed(SipStream& self, const error_code& error) {
    const bool midway = !framer.between_messages();
    if (error == asio::error::eof)
      return ended(self, midway ? StreamEnd::cut_short : StreamEnd::closed_by_peer);
    ended(self, end_of(error));
  }

  static StreamEnd end_of(const error_code& error) {
    if (error == asio::error::connection_reset || error == asio::error::broken_pipe) return StreamEnd::reset;
    // TCP_USER_TIMEOUT: the kernel saw first that the peer takes nothing.
    return error == asio::error::timed_out ? StreamEnd::write_timeout : StreamEnd::error;
  }

  // `octets` are the buffer's, or were just read and never got there.
  void serve(SipStream& self, std::string_view octets) {
    serving = true;
    std::size_t used = 0;
    while (state == State::open && !stopped()) {
      const auto waiting = octets.substr(used);
      const auto result = framer.next(waiting);
      if (result.what == sip::Framer::What::need_more) break;
      if (result.what == sip::Framer::What::error) {
        owner.on_framing_error(self, result.error,
                               result.can_reply ? waiting.substr(0, result.size) : std::string_view());
        close(self, StreamEnd::framing);
        break;
      }
      used += result.size;
      if (result.what == sip::Framer::What::message) {
        message_since = Time{};
        quiet_since = worker.now();
        seen_message = true;
        keep_alives = options.keep_alives;
        owner.on_message(self, waiting.substr(0, result.size));
      } else if (!take_keep_alive()) {
        ended(self, StreamEnd::keep_alive_flood);
      } else if (result.what == sip::Framer::What::ping) {
        send(self, "\r\n");
        owner.on_keep_alive(self);
      }
    }
    serving = false;
    if (state == State::open) return keep(self, octets.substr(used)), read(self);
    let_go(buffer);
    account();
  }

  // What is left waits in the buffer, which `left` may point into.
  void keep(SipStream& self, std::string_view left) {
    if (left.empty()) {
      if (buffer.capacity() > kSmall)
        let_go(buffer);
      else
        buffer.clear();
    } else if (buffer.empty()) {
      if (!may_grow(self, left.size())) return ended(self, StreamEnd::memory);
      buffer.assign(left);
    } else {
      buffer.erase(0, buffer.size() - left.size());
    }
    account();
  }

  bool take_keep_alive() {
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

  void arm_read_timer(SipStream& self) {
    Duration limit = options.idle;
    auto reason = StreamEnd::idle_timeout;
    Time from = quiet_since;
    if (!framer.between_messages()) {
      if (message_since == Time{}) message_since = worker.now();
      from = message_since;
      const bool has_head = framer.message_size().has_value();
      limit = has_head ? options.head + options.body : options.head;
      reason = has_head ? StreamEnd::body_timeout : StreamEnd::head_timeout;
    } else if (!seen_message && options.first > Duration::zero()) {
      limit = options.first;
      reason = StreamEnd::first_timeout;
    }
    if (limit <= Duration::zero()) return;
    read_timer.expires_at(from + limit);
    read_timer.async_wait([stream = self.shared_from_this(), reason](error_code error) {
      auto& impl = *stream->impl_;
      if (error || !impl.reading || impl.stopped()) return;
      const auto scope = batch(impl.worker);
      const bool asks =
          reason == StreamEnd::idle_timeout || (reason == StreamEnd::first_timeout && impl.seen_octets);
      if (asks && impl.owner.may_stay_idle(*stream)) {
        impl.quiet_since = impl.worker.now();
        return impl.arm_read_timer(*stream);
      }
      impl.ended(*stream, reason);
    });
  }

  // Reads on where it stopped. The time in between was not the peer's to use.
  void go_on(SipStream& self) {
    if (stopped() || state != State::open) return;
    quiet_since = worker.now();
    message_since = Time{};
    if (serving) return;
    if (reading) return arm_read_timer(self);
    asio::post(worker.io(), [stream = self.shared_from_this()] {
      auto& impl = *stream->impl_;
      if (impl.state != State::open || impl.stopped() || impl.reading || impl.serving) return;
      const auto scope = batch(impl.worker);
      impl.serve(*stream, impl.buffer);
    });
  }

  void set_pause(SipStream& self, bool pause) {
    if (paused == pause || state != State::open) return;
    paused = pause;
    read_timer.cancel();
    if (!pause) return go_on(self);
    read_timer.expires_after(options.paused);
    read_timer.async_wait([stream = self.shared_from_this()](error_code error) {
      if (!error && stream->impl_->paused) stream->impl_->ended(*stream, StreamEnd::write_timeout);
    });
  }

  void set_hold(SipStream& self, bool hold) {
    if (held == hold) return;
    held = hold;
    if (paused) return;  // whose deadline is running
    read_timer.cancel();
    if (!hold) go_on(self);
  }

  void set_delay(SipStream& self, Duration time) {
    if (state != State::open || time <= Duration::zero()) return;
    delayed = true;
    if (!paused) read_timer.cancel();
    if (!delay_timer) delay_timer = std::make_unique<asio::steady_timer>(worker.io());
    delay_timer->expires_after(time);
    delay_timer->async_wait([stream = self.shared_from_this()](error_code error) {
      if (error) return;
      stream->impl_->delayed = false;
      if (!stream->impl_->paused) stream->impl_->go_on(*stream);
    });
  }

  // --- writing ---------------------------------------------------------------------------------------------

  std::size_t queued() const { return queue.size() + writing.size(); }

  void send(SipStream& self, std::string_view octets) {
    if (state == State::ended || state == State::closing || close_once_open) return;
    if (octets.size() > options.max_queued || queued() > options.max_queued - octets.size())
      return ended(self, StreamEnd::too_much_queued);
    if (queued() + octets.size() > kSmall && !may_grow(self, octets.size()))
      return ended(self, StreamEnd::memory);
    queue.append(octets);
    account();
    full = options.read_until_queued != 0 && queued() >= options.read_until_queued;
    if (state == State::open) write(self);
  }

  void write(SipStream& self) {
    if (write_pending || queue.empty() || state == State::ended) return;
    writing.swap(queue);
    write_pending = true;
    write_until = asio::steady_timer::clock_type::now() + options.write +
                  std::chrono::seconds(writing.size() / kLeastPerSecond);
    write_some(self, 0);
  }

  void write_some(SipStream& self, std::size_t from) {
    write_timer.expires_at(std::min(asio::steady_timer::clock_type::now() + options.write, write_until));
    write_timer.async_wait([stream = self.shared_from_this()](error_code error) {
      if (!error && stream->impl_->write_pending) stream->impl_->ended(*stream, StreamEnd::write_timeout);
    });
    socket.async_write_some(asio::buffer(writing.data() + from, writing.size() - from),
                            [stream = self.shared_from_this(), from](error_code error, std::size_t n) {
                              stream->impl_->wrote(*stream, from + n, error);
                            });
  }

  void wrote(SipStream& self, std::size_t upto, const error_code& error) {
    write_timer.cancel();
    if (state == State::ended) {
      let_go(writing);
      return account();
    }
    if (error) return ended(self, end_of(error));
    if (upto < writing.size()) return write_some(self, upto);
    write_pending = false;
    if (writing.capacity() > kSmall)
      let_go(writing);
    else
      writing.clear();
    account();
    const auto scope = batch(worker);
    if (full && queued() < options.read_until_queued) {
      full = false;
      go_on(self);
    }
    if (!queue.empty()) return write(self);
    if (state == State::closing) return finish(self);
    owner.on_drained(self);
  }

  // --- ends ------------------------------------------------------------------------------------------------

  void close(SipStream& self, StreamEnd reason) {
    if (state == State::ended || state == State::closing) return;
    why = reason;
    if (state == State::connecting && !queue.empty()) {
      close_once_open = true;
      return;
    }
    const bool was_open = state == State::open;
    state = State::closing;
    read_timer.cancel();
    if (!was_open) return ended(self, reason);
    if (!write_pending && queue.empty()) return finish(self);
    write(self);
  }
  // Closing a socket that has unread octets makes the kernel send a reset, which could overtake the answer.
  // So send FIN, and read what still comes until the peer closes or a moment has passed.
  void finish(SipStream& self) {
    error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    write_timer.expires_after(kLinger);
    write_timer.async_wait([stream = self.shared_from_this()](error_code error) {
      if (!error) stream->impl_->ended(*stream, stream->impl_->why);
    });
    if (!reading) discard(self);
  }
  void discard(SipStream& self) {
    reading = true;
    await_octets(self);
  }
  void discard_some(SipStream& self) {
    const auto scratch = worker.stream_scratch();
    error_code error;
    socket.read_some(asio::buffer(scratch.data(), scratch.size()), error);
    if (!error || error == asio::error::would_block) return discard(self);
    // A peer that only stopped sending still gets what is queued.
    const bool writing_on = write_pending || !queue.empty();
    if (error != asio::error::eof || !writing_on) ended(self, why);
  }
};

SipStream::SipStream(Worker& worker, tcp::socket socket, Owner& owner, const Options& options)
    : impl_(std::make_unique<Impl>(worker, std::move(socket), owner, options)) {}
SipStream::~SipStream() = default;

void SipStream::start() {
  impl_->tune();
  impl_->state = Impl::State::open;
  impl_->quiet_since = impl_->worker.now();
  impl_->read(*this);
}

void SipStream::connect(const Endpoint& remote, Duration timeout) {
  auto& impl = *impl_;
  impl.state = Impl::State::connecting;
  impl.dialled = true;
  const auto& octets = remote.address.octets();
  const auto address = remote.address.is_v4()
                           ? asio::ip::address(asio::ip::address_v4(remote.address.v4_value()))
                           : asio::ip::address(asio::ip::address_v6(asio::ip::address_v6::bytes_type{
                                 octets[0], octets[1], octets[2], octets[3], octets[4], octets[5], octets[6],
                                 octets[7], octets[8], octets[9], octets[10], octets[11], octets[12],
                                 octets[13], octets[14], octets[15]}));
  impl.write_timer.expires_after(timeout);
  impl.write_timer.async_wait([stream = shared_from_this()](error_code error) {
    if (!error && stream->impl_->state == Impl::State::connecting)
      stream->impl_->ended(*stream, StreamEnd::connect_timeout);
  });
  impl.socket.async_connect(tcp::endpoint(address, remote.port),
                            [stream = shared_from_this()](error_code error) {
                              auto& i = *stream->impl_;
                              if (i.state != Impl::State::connecting) return;
                              i.write_timer.cancel();
                              if (error) return i.ended(*stream, StreamEnd::error);
                              i.tune();
                              i.state = Impl::State::open;
                              i.quiet_since = i.worker.now();
                              i.write(*stream);
                              if (std::exchange(i.close_once_open, false)) return i.close(*stream, i.why);
                              i.read(*stream);
                            });
}

void SipStream::send(std::string_view octets) {
  impl_->send(*this, octets);
}
void SipStream::close(StreamEnd why) {
  impl_->close(*this, why);
}
void SipStream::abort(StreamEnd why) {
  impl_->ended(*this, why);
}
void SipStream::disown() {
  impl_->disowned = true;
  impl_->ended(*this, StreamEnd::closed_by_us);
}
void SipStream::pause() {
  impl_->set_pause(*this, true);
}
void SipStream::resume() {
  impl_->set_pause(*this, false);
}
void SipStream::hold() {
  impl_->set_hold(*this, true);
}
void SipStream::release() {
  impl_->set_hold(*this, false);
}
void SipStream::delay(Duration time) {
  impl_->set_delay(*this, time);
}
std::size_t SipStream::queued() const {
  return impl_->queued();
}
bool SipStream::open() const {
  return (impl_->state == Impl::State::open || impl_->state == Impl::State::connecting) &&
         !impl_->close_once_open;
}

}  // namespace sipward
