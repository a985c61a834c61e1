#include "tcp/entry.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

#include "routing/chain.hpp"
#include "runtime/worker_thread.hpp"
#include "sipward/socket_stream.hpp"
#include "tcp/prefixed_stream.hpp"

namespace sipward {

using boost::system::error_code;

StreamEntry::StreamEntry(WorkerThread& worker, std::shared_ptr<const RouteServer> server,
                         std::unique_ptr<ByteStream> stream, StreamInfo& info, Owner& owner)
    : worker_(worker),
      server_(std::move(server)),
      stream_(std::move(stream)),
      info_(info),
      owner_(owner),
      timer_(worker.io()) {}
StreamEntry::~StreamEntry() {
  worker_.stream_memory() -= accounted_;
}

void StreamEntry::start() {
  keep_ = shared_from_this();
  limit(server_->matching_timeout, StreamEnd::matching_timeout);
  match();
}

void StreamEntry::go_on(const Moving& from) {
  keep_ = shared_from_this();
  route_ = from.route;
  layers_ = layers_of(*server_, server_->routes[route_], info_.accepted,
                      std::span(info_.layers).first(info_.layers.size() - from.layer));
  layer_ = from.layer;
  next_layer();
}

StreamEntry::Moving StreamEntry::release() {
  auto* socket = dynamic_cast<SocketStream*>(stream_.get());
  if (!socket || !first_.empty()) return {};
  Moving moving{server_, FileDescriptor(socket->release()), route_, layer_};
  if (moving.socket) close();
  return moving;
}

// False when there is no memory left for it.
bool StreamEntry::account() {
  const auto now = (first_.capacity() > std::string().capacity() ? first_.capacity() : 0) +
                   (stream_ ? stream_->memory() : 0);
  worker_.stream_memory() += now - accounted_;
  accounted_ = now;
  return worker_.stream_memory() <= SipStream::kMemoryPerWorker;
}

void StreamEntry::limit(Duration time, StreamEnd why) {
  timer_.expires_after(time);
  timer_.async_wait([entry = shared_from_this(), why](error_code error) {
    if (error || entry->over()) return;
    const WorkerThread::Batch batch(entry->worker_);
    entry->fail(why);
  });
}

void StreamEntry::match() {
  StreamChoice choice;
  const StreamStart start{info_, first_, complete_};
  if (!worker_.shielded([&] { choice = choose_route(*server_, route_, start); })) choice = {};
  switch (choice.match) {
    case Match::yes:
      return take(choice.route);
    case Match::no:
      return fail(complete_ && first_.empty() ? StreamEnd::closed_by_peer : StreamEnd::unmatched);
    case Match::need_more:
      return read();
  }
}

void StreamEntry::read() {
  const auto scratch = worker_.stream_scratch();
  const auto room = std::min(scratch.size(), kMostOctets - first_.size());
  const auto result = stream_->read(scratch.first(room));
  switch (result.status) {
    case ByteStream::Status::ok:
      first_.append(scratch.data(), result.octets);
      complete_ = first_.size() == kMostOctets;
      if (!account()) return fail(StreamEnd::memory);
      return match();
    case ByteStream::Status::want_read:
      return await(ByteStream::Wait::read, &StreamEntry::read);
    case ByteStream::Status::want_write:
      return await(ByteStream::Wait::write, &StreamEntry::read);
    case ByteStream::Status::end:
      complete_ = true;
      return match();
    case ByteStream::Status::error:
      return fail(result.fault.empty() ? StreamEnd::reset : StreamEnd::layer, result.fault);
  }
}

void StreamEntry::take(std::size_t route) {
  route_ = route;
  layers_ = layers_of(*server_, server_->routes[route], info_.accepted, info_.layers);
  layer_ = 0;
  next_layer();
}

void StreamEntry::next_layer() {
  if (layer_ < layers_.size()) {
    if (info_.layers.size() >= LayerList::kMost) return fail(StreamEnd::refused);
    if (!first_.empty())
      stream_ = std::make_unique<PrefixedStream>(worker_.io(), std::move(stream_), std::exchange(first_, {}));
    limit(kHandshakeTime, StreamEnd::handshake_timeout);
    const auto& handler = *layers_[layer_].handler;
    const bool fine =
        worker_.shielded([&] { stream_ = handler.wrap(worker_, std::move(stream_), info_); }) && stream_;
    if (!fine) return fail(StreamEnd::refused);
    if (!account()) return fail(StreamEnd::memory);
    return shake_hands();
  }
  const auto& route = server_->routes[route_];
  if (route.transit) {
    ++route_;
    complete_ = false;
    limit(server_->matching_timeout, StreamEnd::matching_timeout);
    return match();
  }
  timer_.cancel();
  const auto stay = std::exchange(keep_, nullptr);
  owner_.on_entered(*this, route, std::move(stream_), first_);
}

void StreamEntry::shake_hands() {
  ByteStream::Result result;
  const bool fine = worker_.shielded([&] { result = stream_->handshake(); });
  if (!fine) return fail(StreamEnd::layer);
  switch (result.status) {
    case ByteStream::Status::ok:
      return layer_is_ready();
    case ByteStream::Status::want_read:
      return await(ByteStream::Wait::read, &StreamEntry::shake_hands);
    case ByteStream::Status::want_write:
      return await(ByteStream::Wait::write, &StreamEntry::shake_hands);
    case ByteStream::Status::end:
      return fail(StreamEnd::cut_short);
    case ByteStream::Status::error:
      return fail(result.fault.empty() ? StreamEnd::reset : StreamEnd::layer, result.fault);
  }
}

void StreamEntry::layer_is_ready() {
  const auto& layer = layers_[layer_++];
  info_.layers.push_back(layer.id);
  info_.source.transport = above(kind_of(layer.id), info_.source.transport);
  while (auto below = stream_->unwrap()) {
    // Not from inside a call of its own.
    boost::asio::post(worker_.io(), [gone = std::shared_ptr<ByteStream>(std::move(stream_))] {});
    stream_ = std::move(below);
  }
  switch (owner_.on_layer_ready(*this)) {
    case Then::go_on:
      return next_layer();
    case Then::refuse:
      return fail(StreamEnd::refused);
    case Then::moved:
      return;
  }
}

void StreamEntry::await(ByteStream::Wait what, void (StreamEntry::*then)()) {
  stream_->wait(what, [entry = weak_from_this(), then](const error_code& error) {
    const auto self = entry.lock();
    if (!self || self->over() || error == boost::asio::error::operation_aborted) return;
    const WorkerThread::Batch batch(self->worker_);
    (self.get()->*then)();
  });
}

void StreamEntry::fail(StreamEnd why, std::string_view fault) {
  if (over()) return;
  const auto stay = keep_;
  close();
  owner_.on_entry_failed(*this, why, fault);
}

void StreamEntry::close() {
  const auto stay = std::exchange(keep_, nullptr);
  if (!stay) return;
  timer_.cancel();
  if (!stream_) return;
  stream_->close();
  // Not from inside a call of its own.
  boost::asio::post(worker_.io(), [gone = std::shared_ptr<ByteStream>(std::move(stream_))] {});
}

}  // namespace sipward
