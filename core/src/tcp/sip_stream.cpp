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
  }
  return "error";
}

// Everything runs in callbacks on one thread; each holds the stream, so it lives until the last one ran.
struct SipStream::Impl {
  enum class State : std::uint8_t { fresh, connecting, open, closing, ended };

  Worker& worker;
  tcp::socket socket;
  Owner& owner;
  Options options;
  sip::Framer framer;
  asio::steady_timer read_timer, write_timer;
  std::vector<char> buffer;  // [begin, end) is not consumed yet
  std::size_t begin = 0, end = 0;
  std::vector<char>
      waste;  // for what still comes once we close; never the buffer that messages are read from
  std::string queue, writing;  // to be written; being written
  State state = State::fresh;
  bool paused = false, reading = false, write_pending = false, seen_octets = false;
  bool serving = false;  // inside the framing loop
  bool disowned = false;
  bool close_once_open = false;  // close() was called while dialling, with something queued
  Time message_since{};
  StreamEnd why = StreamEnd::closed_by_us;

  Impl(Worker& w, tcp::socket s, Owner& o, const Options& opt)
      : worker(w),
        socket(std::move(s)),
        owner(o),
        options(opt),
        framer(opt.limits),
        read_timer(w.io()),
        write_timer(w.io()) {}

  static constexpr auto kLinger = std::chrono::seconds(2);

  static WorkerThread::Batch batch(Worker& w) { return WorkerThread::Batch(static_cast<WorkerThread&>(w)); }

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
  }

  void ended(SipStream& self, StreamEnd reason) {
    if (state == State::ended) return;
    state = State::ended;
    why = reason;
    error_code ignored;
    socket.close(ignored);
    read_timer.cancel();
    write_timer.cancel();
    queue.clear();
    // Not from inside the owner's own call.
    asio::post(worker.io(), [stream = self.shared_from_this(), reason] {
      if (stream->impl_->disowned) return;
      const auto scope = batch(stream->impl_->worker);
      stream->impl_->owner.on_ended(*stream, reason);
    });
  }

  // --- reading ---------------------------------------------------------------------------------------------

  void read(SipStream& self) {
    if (reading || paused || state != State::open) return;
    make_room();
    reading = true;
    arm_read_timer(self);
    socket.async_read_some(asio::buffer(buffer.data() + end, buffer.size() - end),
                           [stream = self.shared_from_this()](error_code error, std::size_t n) {
                             auto& impl = *stream->impl_;
                             impl.reading = false;
                             if (!impl.paused) impl.read_timer.cancel();
                             if (impl.state == State::closing) return impl.discarded(*stream, error);
                             if (impl.state != State::open) return;
                             const auto scope = batch(impl.worker);
                             if (error) return impl.read_failed(*stream, error);
                             impl.end += n;
                             impl.serve(*stream);
                           });
  }

  void read_failed(SipStream& self, const error_code& error) {
    if (error == asio::error::operation_aborted) return;
    ended(self, error == asio::error::eof ? StreamEnd::closed_by_peer : StreamEnd::error);
  }

  void make_room() {
    if (begin == end) begin = end = 0;
    constexpr std::size_t kStep = 8 * 1024;
    if (buffer.size() - end >= kStep) return;
    if (begin > 0) {
      std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(begin),
                buffer.begin() + static_cast<std::ptrdiff_t>(end), buffer.begin());
      end -= begin;
      begin = 0;
    }
    // The framer asks for no more than one message of the greatest size, so this is bounded.
    if (buffer.size() - end < kStep) buffer.resize(std::max<std::size_t>(buffer.size() * 2, end + kStep));
  }

  void serve(SipStream& self) {
    serving = true;
    seen_octets = seen_octets || end > begin;
    while (state == State::open && !paused) {
      const std::string_view waiting(buffer.data() + begin, end - begin);
      const auto result = framer.next(waiting);
      if (result.what == sip::Framer::What::need_more) break;
      if (result.what == sip::Framer::What::error) {
        owner.on_framing_error(self, result.error,
                               result.can_reply ? waiting.substr(0, result.size) : std::string_view());
        close(self, StreamEnd::framing);
        break;
      }
      begin += result.size;
      message_since = Time{};
      if (result.what == sip::Framer::What::message) {
        owner.on_message(self, waiting.substr(0, result.size));
      } else if (result.what == sip::Framer::What::ping) {
        send(self, "\r\n");
        owner.on_keep_alive(self);
      }
    }
    serving = false;
    if (begin == end && buffer.size() > 16 * 1024) {  // an idle connection keeps no big buffer
      buffer = {};
      begin = end = 0;
    }
    read(self);
  }

  void arm_read_timer(SipStream& self) {
    Duration limit = options.idle;
    auto reason = StreamEnd::idle_timeout;
    Time from = worker.now();
    if (!seen_octets && options.first > Duration::zero()) {
      limit = options.first;
      reason = StreamEnd::first_timeout;
    } else if (!framer.between_messages()) {
      if (message_since == Time{}) message_since = worker.now();
      from = message_since;
      const bool has_head = framer.message_size().has_value();
      limit = has_head ? options.head + options.body : options.head;
      reason = has_head ? StreamEnd::body_timeout : StreamEnd::head_timeout;
    }
    if (limit <= Duration::zero()) return;
    read_timer.expires_at(from + limit);
    read_timer.async_wait([stream = self.shared_from_this(), reason](error_code error) {
      auto& impl = *stream->impl_;
      if (error || !impl.reading) return;
      const auto scope = batch(impl.worker);
      if (reason == StreamEnd::idle_timeout && impl.owner.may_stay_idle(*stream))
        return impl.arm_read_timer(*stream);
      impl.ended(*stream, reason);
    });
  }

  // --- writing ---------------------------------------------------------------------------------------------

  void send(SipStream& self, std::string_view octets) {
    if (state == State::ended || state == State::closing || close_once_open) return;
    if (queue.size() + writing.size() + octets.size() > options.max_queued)
      return ended(self, StreamEnd::too_much_queued);
    queue.append(octets);
    if (state == State::open) write(self);
  }

  void write(SipStream& self) {
    if (write_pending || queue.empty() || state == State::ended) return;
    writing.swap(queue);
    write_pending = true;
    write_some(self, 0);
  }

  void write_some(SipStream& self, std::size_t from) {
    write_timer.expires_after(options.write);
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
    if (state == State::ended) return;
    if (error) return ended(self, StreamEnd::error);
    if (upto < writing.size()) return write_some(self, upto);
    write_pending = false;
    writing.clear();
    if (writing.capacity() > 64 * 1024) writing.shrink_to_fit();
    if (!queue.empty()) return write(self);
    if (state == State::closing) return finish(self);
    const auto scope = batch(worker);
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
    waste.resize(4096);
    reading = true;
    socket.async_read_some(asio::buffer(waste),
                           [stream = self.shared_from_this()](error_code error, std::size_t) {
                             stream->impl_->reading = false;
                             stream->impl_->discarded(*stream, error);
                           });
  }
  void discarded(SipStream& self, const error_code& error) {
    if (state == State::ended) return;
    if (!error) return discard(self);
    // A peer that only stopped sending still gets what is queued.
    const bool writing_on = write_pending || !queue.empty();
    if (error != asio::error::eof || !writing_on) ended(self, why);
  }

  void set_pause(SipStream& self, bool pause) {
    if (paused == pause || state != State::open) return;
    paused = pause;
    if (pause) {
      read_timer.expires_after(options.paused);
      read_timer.async_wait([stream = self.shared_from_this()](error_code error) {
        if (!error && stream->impl_->paused) stream->impl_->ended(*stream, StreamEnd::write_timeout);
      });
      return;
    }
    read_timer.cancel();
    if (serving) return;
    if (reading) return arm_read_timer(self);
    asio::post(worker.io(), [stream = self.shared_from_this()] {
      auto& impl = *stream->impl_;
      if (impl.state != State::open || impl.paused || impl.reading || impl.serving) return;
      const auto scope = batch(impl.worker);
      impl.serve(*stream);
    });
  }
};

SipStream::SipStream(Worker& worker, tcp::socket socket, Owner& owner, const Options& options)
    : impl_(std::make_unique<Impl>(worker, std::move(socket), owner, options)) {}
SipStream::~SipStream() = default;

void SipStream::start() {
  impl_->tune();
  impl_->state = Impl::State::open;
  impl_->read(*this);
}

void SipStream::connect(const Endpoint& remote, Duration timeout) {
  auto& impl = *impl_;
  impl.state = Impl::State::connecting;
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
      stream->impl_->ended(*stream, StreamEnd::error);
  });
  impl.seen_octets = true;  // an upstream may stay silent
  impl.socket.async_connect(tcp::endpoint(address, remote.port),
                            [stream = shared_from_this()](error_code error) {
                              auto& i = *stream->impl_;
                              if (i.state != Impl::State::connecting) return;
                              i.write_timer.cancel();
                              if (error) return i.ended(*stream, StreamEnd::error);
                              i.tune();
                              i.state = Impl::State::open;
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
std::size_t SipStream::queued() const {
  return impl_->queue.size() + impl_->writing.size();
}
bool SipStream::open() const {
  return (impl_->state == Impl::State::open || impl_->state == Impl::State::connecting) &&
         !impl_->close_once_open;
}

}  // namespace sipward
