#pragma once

#include <memory>

#include "faults.hpp"
#include "openssl.hpp"
#include "sipward/byte_stream.hpp"
#include "sipward/worker.hpp"
#include "stream_bio.hpp"

namespace sipward::tls {

// What is told of one stream's TLS, by either side of it. Called on the stream's worker.
class Observer {
 public:
  virtual ~Observer() = default;
  // Once for each stream; `ssl` has all that was agreed on when it went well.
  virtual void handshake_ended(Handshake how, SSL* ssl) = 0;
  virtual void broken() = 0;  // a fault afterwards
};

// TLS over another stream, of either side: whoever made the SSL has set which. Holds no buffer of its own,
// and OpenSSL none while there is nothing in it. What write() could not send whole must be offered again as
// it was, perhaps with more behind it.
class TlsStream final : public ByteStream {
 public:
  // What a peer may send before its handshake is over.
  static constexpr std::size_t kMaxHandshake = std::size_t{64} << 10;
  // Measured, without what the layer below holds: tests/modules/tls/memory_test.cpp.
  static constexpr std::size_t kMemory = std::size_t{16} << 10;

  // nullptr when memory is short. `observer` is kept, and with it what the SSL needs.
  static std::unique_ptr<TlsStream> make(Worker& worker, std::unique_ptr<ByteStream> below, SslPtr ssl,
                                         std::unique_ptr<Observer> observer);
  ~TlsStream() override;

  Result handshake() override;
  Result read(std::span<char> into) override;
  Result write(std::string_view octets) override;
  void wait(Wait what, Ready ready) override;
  void shutdown() override;
  void close() override;
  std::size_t memory() const override { return kMemory + below_->memory(); }

 private:
  TlsStream(Worker& worker, std::unique_ptr<ByteStream> below, SslPtr ssl,
            std::unique_ptr<Observer> observer);
  Result after(int returned);
  Result failed();
  void handshake_ended(Handshake how);

  Worker& worker_;
  std::unique_ptr<Observer> observer_;
  std::unique_ptr<ByteStream> below_;
  StreamBio bio_;
  SslPtr ssl_;  // ends before what it uses
  bool told_ = false, ready_ = false, failed_ = false, closed_ = false;
  bool starved_ = true;                                   // nothing can be read before more comes from below
  std::string_view fault_;                                // what is told with every error
  Ready posted_;                                          // a wait for octets that are here already
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // for what is posted
};

}  // namespace sipward::tls
