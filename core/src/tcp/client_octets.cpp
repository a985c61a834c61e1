#include "tcp/client_octets.hpp"

#include "runtime/worker_thread.hpp"

namespace sipward {

ClientOctets::ClientOctets(std::unique_ptr<ByteStream> below, WorkerThread& worker, ConnectionId id)
    : below_(std::move(below)), worker_(worker), id_(id) {
  account();
}

ClientOctets::~ClientOctets() {
  worker_.stream_memory() -= accounted_;
  if (worker_.winding_up()) return;  // nobody counts any more
  worker_.connections().forget(id_, why_, fault_);
}

ByteStream::Result ClientOctets::read(std::span<char> into) {
  const auto result = seen(below_->read(into));
  if (result.octets != 0) worker_.connections().active(id_);
  if (result.status == Status::end && why_ == StreamEnd::closed_by_us) why_ = StreamEnd::closed_by_peer;
  return result;
}

ByteStream::Result ClientOctets::write(std::string_view octets) {
  return seen(below_->write(octets));
}

ByteStream::Result ClientOctets::seen(const Result& result) {
  account();
  if (result.status == Status::error && why_ == StreamEnd::closed_by_us) {
    why_ = result.fault.empty() ? StreamEnd::reset : StreamEnd::layer;
    fault_ = result.fault;
  }
  return result;
}

void ClientOctets::account() {
  const auto now = below_->memory();
  worker_.stream_memory() += now - accounted_;
  accounted_ = now;
}

void ClientOctets::end(StreamEnd why) {
  why_ = why;
  below_->close();
}

}  // namespace sipward
