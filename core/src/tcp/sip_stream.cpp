#include <boost/asio/post.hpp>

#include <utility>

#include "tcp/sip_stream_impl.hpp"

namespace sipward {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kLinger = std::chrono::seconds(2);

StreamEnd end_of(const error_code& error) {
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe) return StreamEnd::reset;
  // TCP_USER_TIMEOUT: the kernel saw first that the peer takes nothing.
  return error == asio::error::timed_out ? StreamEnd::write_timeout : StreamEnd::error;
}

}  // namespace

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
    case StreamEnd::matching_timeout:
      return "matching_timeout";
    case StreamEnd::unmatched:
      return "unmatched";
    case StreamEnd::handshake_timeout:
      return "handshake_timeout";
    case StreamEnd::layer:
      return "layer";
    case StreamEnd::refused:
      return "refused";
  }
  return "error";
}

SipStream::Impl::Impl(Worker& w, SipStream& s, std::unique_ptr<ByteStream> below, Owner& o,
                      const Options& opt)
    : worker(static_cast<WorkerThread&>(w)),
      self(s),
      stream(std::move(below)),
      owner(o),
      options(opt),
      framer(opt.limits),
      read_timer(w.io()),
      write_timer(w.io()),
      carries_messages(stream->carries_messages()),
      keep_alives(opt.keep_alives) {}

void SipStream::Impl::opened(std::string_view first) {
  state = State::open;
  quiet_since = worker.now();
  if (first.empty()) return read();
  seen_octets = true;
  serve(first);
}

// --- waiting for the stream below
// ---------------------------------------------------------------------------

// Reading may wait for writing and the other way round, so both share what is waited for.
void SipStream::Impl::arm() {
  for (const auto what : {Wait::read, Wait::write}) {
    auto& is_armed = armed[static_cast<std::size_t>(what)];
    if (is_armed || (reader != what && writer != what)) continue;
    is_armed = true;
    stream->wait(what, [this, what](const error_code& error) { ready(what, error); });
  }
}

void SipStream::Impl::ready(Wait what, const error_code& error) {
  armed[static_cast<std::size_t>(what)] = false;
  if (state == State::ended || error == asio::error::operation_aborted) return;
  const auto stay = self.shared_from_this();
  const auto scope = batch(worker);
  const bool reads = reader == what, writes = writer == what;
  if (reads) reader.reset();
  if (writes) writer.reset();
  if (state == State::connecting) return shake_hands();
  if (reads) may_read();
  if (writes && state != State::ended) push();
}

void SipStream::Impl::shake_hands() {
  const auto result = stream->handshake();
  switch (result.status) {
    case ByteStream::Status::ok:
      break;
    case ByteStream::Status::want_read:
      return await_octets(Wait::read);
    case ByteStream::Status::want_write:
      return await_octets(Wait::write);
    case ByteStream::Status::end:
      return ended(StreamEnd::error);
    case ByteStream::Status::error:
      return failed(result);
  }
  write_timer.cancel();
  state = State::open;
  quiet_since = worker.now();
  write();
  if (std::exchange(close_once_open, false)) return close(why);
  read();
}

// --- ends
// ---------------------------------------------------------------------------------------------------

void SipStream::Impl::ended(StreamEnd reason) {
  if (state == State::ended) return;
  state = State::ended;
  why = reason;
  stream->close();
  read_timer.cancel();
  write_timer.cancel();
  delay_timer.reset();
  let_go(queue);
  let_go(writing);
  if (!serving) let_go(buffer);  // or else the owner may be looking at it
  account();
  if (dialled) worker.metrics().upstreams_ended.add(worker.index(), static_cast<std::size_t>(reason));
  // Not from inside the owner's own call, nor from inside the stream's.
  auto held_by = keep ? std::exchange(keep, nullptr) : self.shared_from_this();
  asio::post(worker.io(), [stream_ = std::move(held_by), reason] {
    auto& impl = *stream_->impl_;
    impl.stream.reset();
    if (impl.disowned) return;
    const auto scope = batch(impl.worker);
    impl.owner.on_ended(*stream_, reason);
  });
}

void SipStream::Impl::failed(const ByteStream::Result& result) {
  fault = result.fault;
  ended(fault.empty() ? end_of(result.error) : StreamEnd::layer);
}

// Keeps the worker's sum right.
void SipStream::Impl::account() {
  const auto on_heap = [](const std::string& s) {
    return s.capacity() > std::string().capacity() ? s.capacity() : 0;
  };
  const auto now = on_heap(buffer) + on_heap(queue.octets) + on_heap(writing.octets) +
                   (state == State::ended ? 0 : stream->memory());
  worker.stream_memory() += now - accounted;
  accounted = now;
}

bool SipStream::Impl::may_grow(std::size_t by) const {
  const auto limit = self.favoured ? 2 * kMemoryPerWorker : kMemoryPerWorker;
  const auto used = worker.stream_memory();
  return used <= limit && by <= limit - used;
}

void SipStream::Impl::close(StreamEnd reason) {
  if (state == State::ended || state == State::closing) return;
  why = reason;
  if (state == State::connecting && !queue.empty()) {
    close_once_open = true;
    return;
  }
  const bool was_open = state == State::open;
  state = State::closing;
  read_timer.cancel();
  if (!was_open) return ended(reason);
  if (!write_pending && queue.empty()) return finish();
  write();
}

// Closing a socket that has unread octets makes the kernel send a reset, which could overtake the answer.
// So send FIN, and read what still comes until the peer closes or a moment has passed.
void SipStream::Impl::finish() {
  stream->shutdown();
  write_timer.expires_after(kLinger);
  write_timer.async_wait([stream_ = self.shared_from_this()](error_code error) {
    if (!error) stream_->impl_->ended(stream_->impl_->why);
  });
  if (!reading) {
    reading = true;
    await_octets(Wait::read);
  }
}

void SipStream::Impl::discard_some() {
  const auto result = stream->read(worker.stream_scratch());
  const bool goes_on = result.status != ByteStream::Status::end && result.status != ByteStream::Status::error;
  if (goes_on) {
    reading = true;
    return await_octets(result.status == ByteStream::Status::want_write ? Wait::write : Wait::read);
  }
  // A peer that only stopped sending still gets what is queued.
  const bool writing_on = write_pending || !queue.empty();
  if (result.status == ByteStream::Status::error || !writing_on) ended(why);
}

// --- what the owner calls
// -----------------------------------------------------------------------------------

SipStream::SipStream(Worker& worker, tcp::socket socket, Owner& owner, const Options& options)
    : SipStream(worker, std::make_unique<SocketStream>(std::move(socket)), owner, options) {}
SipStream::SipStream(Worker& worker, std::unique_ptr<ByteStream> stream, Owner& owner, const Options& options)
    : impl_(std::make_unique<Impl>(worker, *this, std::move(stream), owner, options)) {}
SipStream::~SipStream() = default;

void SipStream::start(std::string_view first) {
  impl_->keep = shared_from_this();
  impl_->opened(first);
}

void SipStream::connect(const Endpoint& remote, Duration timeout, const Wrap& wrap) {
  auto& impl = *impl_;
  impl.keep = shared_from_this();
  impl.state = Impl::State::connecting;
  impl.dialled = true;
  impl.write_timer.expires_after(timeout);
  impl.write_timer.async_wait([stream = shared_from_this()](error_code error) {
    if (!error && stream->impl_->state == Impl::State::connecting)
      stream->impl_->ended(StreamEnd::connect_timeout);
  });
  static_cast<SocketStream&>(*impl.stream).connect(remote, [this, wrap](const error_code& error) {
    auto& i = *impl_;
    if (i.state != Impl::State::connecting) return;
    const auto stay = shared_from_this();
    if (error) return i.ended(StreamEnd::error);
    if (wrap) i.stream = wrap(std::move(i.stream));
    i.shake_hands();
  });
}

void SipStream::send(std::string_view octets) {
  impl_->send(octets);
}
void SipStream::close(StreamEnd why) {
  impl_->close(why);
}
void SipStream::abort(StreamEnd why) {
  impl_->ended(why);
}
void SipStream::disown() {
  impl_->disowned = true;
  impl_->ended(StreamEnd::closed_by_us);
}
void SipStream::pause() {
  impl_->set_pause(true);
}
void SipStream::resume() {
  impl_->set_pause(false);
}
void SipStream::hold() {
  impl_->set_hold(true);
}
void SipStream::release() {
  impl_->set_hold(false);
}
void SipStream::delay(Duration time) {
  impl_->set_delay(time);
}
std::size_t SipStream::queued() const {
  return impl_->queued();
}
bool SipStream::open() const {
  return (impl_->state == Impl::State::open || impl_->state == Impl::State::connecting) &&
         !impl_->close_once_open;
}
std::string_view SipStream::fault() const {
  return impl_->fault;
}

}  // namespace sipward
