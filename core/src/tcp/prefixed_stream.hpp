#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "sipward/byte_stream.hpp"

namespace sipward {

// A stream of which some was read already: gives that first, then what comes.
class PrefixedStream final : public ByteStream {
 public:
  PrefixedStream(boost::asio::io_context& io, std::unique_ptr<ByteStream> below, std::string first)
      : io_(io), below_(std::move(below)), first_(std::move(first)) {}
  ~PrefixedStream() override;

  Result read(std::span<char> into) override;
  Result write(std::string_view octets) override { return below_->write(octets); }
  void wait(Wait what, Ready ready) override;
  void shutdown() override { below_->shutdown(); }
  void close() override;
  // Where all of the prefix was read; for one that need not be any more.
  std::unique_ptr<ByteStream> unwrap() override { return first_.empty() ? std::move(below_) : nullptr; }
  std::size_t memory() const override { return first_.capacity() + below_->memory(); }

 private:
  boost::asio::io_context& io_;
  std::unique_ptr<ByteStream> below_;
  std::string first_;
  std::size_t given_ = 0;
  std::shared_ptr<Ready> posted_;  // who waits for the prefix
};

}  // namespace sipward
