#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "contexts.hpp"
#include "handshakes.hpp"
#include "options.hpp"
#include "sipward/build_context.hpp"
#include "sipward/byte_stream.hpp"
#include "sipward/published.hpp"

namespace sipward::tls {

// The server's side of one handler `tls`: takes streams over with the certificates as they are in their
// files, which it reads again when they change; streams that are open keep what they began with. Safe to call
// from any thread unless a call says otherwise.
class Server final : public std::enable_shared_from_this<Server> {
 public:
  // Reads the files; throws config::ConfigError when they are no good. Names no certificate: self-signed.
  static std::shared_ptr<Server> make(HandlerOptions options, BuildContext& context);
  Server(HandlerOptions options, BuildContext& context);

  // As Handler::wrap(), on the stream's worker.
  std::unique_ptr<ByteStream> wrap(Worker& worker, std::unique_ptr<ByteStream> below, StreamInfo& info) const;

 private:
  void start(BuildContext& context);
  void files_changed();
  void say_expired(const Contexts& contexts);

  HandlerOptions options_;
  Logger& log_;
  std::shared_ptr<Handshakes> handshakes_;
  std::shared_ptr<TicketKeys> tickets_;
  Published<Contexts> contexts_;
  std::mutex mutex_;  // over what follows
  std::string digest_, fault_;
  std::shared_ptr<void> watch_;
  std::shared_ptr<Service> watcher_;
};

}  // namespace sipward::tls
