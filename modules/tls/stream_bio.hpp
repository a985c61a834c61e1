#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>

#include "openssl.hpp"
#include "sipward/byte_stream.hpp"

namespace sipward::tls {

// Lets OpenSSL read from and write to a ByteStream without a copy in between, and remembers how that went.
class StreamBio {
 public:
  explicit StreamBio(ByteStream& below) : below_(below) {}
  StreamBio(const StreamBio&) = delete;
  StreamBio& operator=(const StreamBio&) = delete;

  // Gives the SSL both of its ends; this must outlive it.
  bool attach(SSL* ssl);

  std::size_t received() const { return received_; }
  // No more than that many octets are read until the limit is lifted; then it is as if the peer had ended.
  void limit(std::size_t octets) { limit_ = octets; }
  bool beyond_limit() const { return limit_ != 0 && received_ >= limit_; }
  bool ended() const { return ended_; }                              // the peer sends nothing more
  const boost::system::error_code& error() const { return error_; }  // of the stream below

 private:
  friend struct BioFunctions;
  ByteStream& below_;
  std::size_t received_ = 0;
  std::size_t limit_ = 0;
  bool ended_ = false;
  boost::system::error_code error_;
};

}  // namespace sipward::tls
