#include "sipward/module.hpp"

#include <utility>

#include "options.hpp"
#include "websocket_stream.hpp"

namespace sipward::websocket {
namespace {

class WebSocket final : public Handler {
 public:
  explicit WebSocket(Options options) : options_(std::make_shared<const Options>(std::move(options))) {}

  void provision(BuildContext& context) override { counters_ = Counters::declare(context.metrics); }
  bool is_layer() const override { return true; }
  std::unique_ptr<ByteStream> wrap(Worker& worker, std::unique_ptr<ByteStream> below,
                                   StreamInfo& info) const override {
    info.source.transport = info.source.transport == Transport::tls || info.source.transport == Transport::wss
                                ? Transport::wss
                                : Transport::ws;
    return std::make_unique<WebSocketStream>(worker, std::move(below), options_, counters_);
  }

 private:
  std::shared_ptr<const Options> options_;
  Counters counters_;
};

std::unique_ptr<Handler> create(const config::Node& node, CreateContext& context) {
  return std::make_unique<WebSocket>(read_options(node, context.errors));
}

constexpr HandlerFactory kHandlers[] = {{"websocket", create}};

}  // namespace
}  // namespace sipward::websocket

SIPWARD_MODULE("websocket", SIPWARD_VERSION, sipward::websocket::kHandlers);
