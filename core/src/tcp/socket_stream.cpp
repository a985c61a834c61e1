#include "sipward/socket_stream.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <utility>

namespace sipward {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

tcp::endpoint to_asio(const Endpoint& endpoint) {
  if (endpoint.address.is_v4()) return {asio::ip::address_v4(endpoint.address.v4_value()), endpoint.port};
  asio::ip::address_v6::bytes_type octets;
  const auto& from = endpoint.address.octets();
  std::copy(from.begin(), from.end(), octets.begin());
  return {asio::ip::address_v6(octets), endpoint.port};
}

void tune(tcp::socket& socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto set = [&](int option, int value) {
    setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, 60);
  set(TCP_KEEPINTVL, 15);
  set(TCP_KEEPCNT, 4);
  set(TCP_USER_TIMEOUT, 30'000);
  set(TCP_NOTSENT_LOWAT, 128 * 1024);  // or the kernel would queue megabytes for who reads nothing
}

}  // namespace

struct SocketStream::Inner {
  tcp::socket socket;
  Ready readable{}, writable{};

  // A ready that is not there any more was forgotten.
  static void call(Ready& ready, const error_code& error) {
    if (const auto taken = std::exchange(ready, nullptr)) taken(error);
  }
};

SocketStream::SocketStream(tcp::socket socket) : inner_(std::make_shared<Inner>(Inner{std::move(socket)})) {
  if (inner_->socket.is_open()) tune(inner_->socket);
}

SocketStream::~SocketStream() {
  inner_->readable = inner_->writable = nullptr;
  error_code ignored;
  inner_->socket.close(ignored);
}

void SocketStream::connect(const Endpoint& remote, Ready done) {
  inner_->writable = std::move(done);
  inner_->socket.async_connect(to_asio(remote), [inner = inner_](error_code error) {
    if (!error) tune(inner->socket);
    Inner::call(inner->writable, error);
  });
}

ByteStream::Result SocketStream::read(std::span<char> into) {
  error_code error;
  const auto n = inner_->socket.read_some(asio::buffer(into.data(), into.size()), error);
  Result result;
  if (!error) {
    result.octets = n;
  } else if (error == asio::error::would_block || error == asio::error::interrupted) {
    result.status = Status::want_read;
  } else if (error == asio::error::eof) {
    result.status = Status::end;
  } else {
    result.status = Status::error;
    result.error = error;
  }
  return result;
}

ByteStream::Result SocketStream::write(std::string_view octets) {
  error_code error;
  const auto n = inner_->socket.write_some(asio::buffer(octets.data(), octets.size()), error);
  Result result;
  if (!error) {
    result.octets = n;
  } else if (error == asio::error::would_block || error == asio::error::interrupted) {
    result.status = Status::want_write;
  } else {
    result.status = Status::error;
    result.error = error;
  }
  return result;
}

void SocketStream::wait(Wait what, Ready ready) {
  const bool reads = what == Wait::read;
  (reads ? inner_->readable : inner_->writable) = std::move(ready);
  inner_->socket.async_wait(reads ? tcp::socket::wait_read : tcp::socket::wait_write,
                            [inner = inner_, reads](error_code error) {
                              Inner::call(reads ? inner->readable : inner->writable, error);
                            });
}

void SocketStream::shutdown() {
  error_code ignored;
  inner_->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void SocketStream::close() {
  error_code ignored;
  inner_->socket.close(ignored);
}

int SocketStream::release() {
  error_code error;
  const int fd = inner_->socket.release(error);
  return error ? -1 : fd;
}

}  // namespace sipward
