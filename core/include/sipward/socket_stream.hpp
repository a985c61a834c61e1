#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "sipward/byte_stream.hpp"
#include "sipward/net.hpp"

namespace sipward {

// A TCP socket as a ByteStream. Made non-blocking, with keep-alive and without delay.
class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(boost::asio::ip::tcp::socket socket);
  ~SocketStream() override;
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  // Dials; calls `done` once, unless it is closed or destroyed before. For a socket that is not open yet.
  void connect(const Endpoint& remote, Ready done);

  Result read(std::span<char> into) override;
  Result write(std::string_view octets) override;
  void wait(Wait what, Ready ready) override;
  void shutdown() override;
  void close() override;

  // The open socket, for whoever goes on with it elsewhere; nothing may wait on the stream. Negative when it
  // is closed.
  int release();

 private:
  struct Inner;
  std::shared_ptr<Inner> inner_;  // asio's callbacks hold it too
};

}  // namespace sipward
