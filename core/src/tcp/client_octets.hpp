#pragma once

#include <memory>

#include "sipward/byte_stream.hpp"
#include "sipward/packet.hpp"
#include "sipward/stream.hpp"

namespace sipward {

class WorkerThread;

// A client's stream as a handler of a byte route gets it: core still counts it, sees its octets pass, and can
// end it.
class ClientOctets final : public ByteStream {
 public:
  ClientOctets(std::unique_ptr<ByteStream> below, WorkerThread& worker, ConnectionId id);
  ~ClientOctets() override;
  ClientOctets(const ClientOctets&) = delete;
  ClientOctets& operator=(const ClientOctets&) = delete;

  Result read(std::span<char> into) override;
  Result write(std::string_view octets) override;
  void wait(Wait what, Ready ready) override { below_->wait(what, std::move(ready)); }
  void shutdown() override { below_->shutdown(); }
  void close() override { below_->close(); }
  std::size_t memory() const override { return below_->memory(); }

  // Closes it; the handler that has it lets go of it then.
  void end(StreamEnd why);

 private:
  Result seen(const Result& result);
  void account();

  std::unique_ptr<ByteStream> below_;
  WorkerThread& worker_;
  ConnectionId id_;
  std::size_t accounted_ = 0;
  StreamEnd why_ = StreamEnd::closed_by_us;
  std::string_view fault_;
};

}  // namespace sipward
