#include "tls_stream.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace sipward::tls {
namespace {

ByteStream::Result result_of(ByteStream::Status status, std::size_t octets = 0) {
  ByteStream::Result result;
  result.status = status;
  result.octets = octets;
  return result;
}

}  // namespace

std::unique_ptr<TlsStream> TlsStream::make(Worker& worker, std::unique_ptr<ByteStream> below, SslPtr ssl,
                                           std::unique_ptr<Observer> observer) {
  if (!ssl || !below) return nullptr;
  std::unique_ptr<TlsStream> stream(
      new TlsStream(worker, std::move(below), std::move(ssl), std::move(observer)));
  if (!stream->bio_.attach(stream->ssl_.get())) return nullptr;
  return stream;
}

TlsStream::TlsStream(Worker& worker, std::unique_ptr<ByteStream> below, SslPtr ssl,
                     std::unique_ptr<Observer> observer)
    : worker_(worker),
      observer_(std::move(observer)),
      below_(std::move(below)),
      bio_(*below_),
      ssl_(std::move(ssl)) {
  bio_.limit(kMaxHandshake);
}

TlsStream::~TlsStream() {
  handshake_ended(Handshake::gone);
}

void TlsStream::handshake_ended(Handshake how) {
  if (std::exchange(told_, true)) return;
  observer_->handshake_ended(how, ssl_.get());
}

ByteStream::Result TlsStream::handshake() {
  if (ready_) return {};
  if (failed_) return failed();
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_.get());
  if (returned != 1) return after(returned);
  ready_ = true;
  starved_ = false;
  bio_.limit(0);
  handshake_ended(SSL_session_reused(ssl_.get()) == 1 ? Handshake::resumed : Handshake::full);
  return {};
}

ByteStream::Result TlsStream::read(std::span<char> into) {
  if (failed_) return failed();
  if (into.empty()) return {};
  ERR_clear_error();
  std::size_t octets = 0;
  starved_ = false;
  const int returned = SSL_read_ex(ssl_.get(), into.data(), into.size(), &octets);
  if (returned == 1) return result_of(Status::ok, octets);
  return after(returned);
}

ByteStream::Result TlsStream::write(std::string_view octets) {
  if (failed_) return failed();
  if (octets.empty()) return {};
  ERR_clear_error();
  std::size_t taken = 0;
  const int returned = SSL_write_ex(ssl_.get(), octets.data(), octets.size(), &taken);
  if (returned == 1) return result_of(Status::ok, taken);
  return after(returned);
}

ByteStream::Result TlsStream::after(int returned) {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      starved_ = true;
      return result_of(Status::want_read);
    case SSL_ERROR_WANT_WRITE:
      return result_of(Status::want_write);
    case SSL_ERROR_ZERO_RETURN:
      return result_of(Status::end);
    default:
      break;
  }
  failed_ = true;
  const auto code = ERR_peek_error();
  auto how = handshake_of(code);
  ERR_clear_error();
  if (ready_) {
    // Phones close without a close_notify; that a message is cut short is seen where messages are cut.
    if (bio_.ended() && !bio_.error()) return result_of(Status::end);
    if (!bio_.error()) {
      fault_ = word_of(how == Handshake::alert ? how : Handshake::protocol);
      observer_->broken();
    }
    return failed();
  }
  if (bio_.error() || (bio_.ended() && bio_.received() == 0)) {
    how = Handshake::gone;
  } else if (bio_.ended() && how != Handshake::not_tls) {
    how = bio_.beyond_limit() ? Handshake::protocol : Handshake::cut;
  }
  handshake_ended(how);
  if (how == Handshake::gone && !bio_.error()) return result_of(Status::end);
  if (how != Handshake::gone) fault_ = word_of(how);
  return failed();
}

ByteStream::Result TlsStream::failed() {
  Result result;
  result.status = Status::error;
  result.error = bio_.error() ? bio_.error() : make_error_code(boost::system::errc::protocol_error);
  if (closed_) result.error = boost::asio::error::operation_aborted;
  result.fault = fault_;
  return result;
}

void TlsStream::wait(Wait what, Ready ready) {
  if (!closed_ && (what == Wait::write || starved_ || failed_ || !ready_ || SSL_has_pending(ssl_.get()) == 0))
    return below_->wait(what, std::move(ready));
  posted_ = std::move(ready);
  boost::asio::post(worker_.io(), [this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    if (const auto call = std::exchange(posted_, nullptr))
      call(closed_ ? boost::asio::error::operation_aborted : boost::system::error_code());
  });
}

void TlsStream::shutdown() {
  if (closed_) return;
  if (ready_ && !failed_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  below_->shutdown();
}

void TlsStream::close() {
  if (std::exchange(closed_, true)) return;
  failed_ = true;
  below_->close();
}

}  // namespace sipward::tls
