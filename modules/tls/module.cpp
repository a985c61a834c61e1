#include "sipward/module.hpp"

#include <utility>

#include "matcher.hpp"
#include "options.hpp"
#include "server.hpp"
#include "sipward/global_tls.hpp"

namespace sipward::tls {
namespace {

class TlsHandler final : public Handler {
 public:
  TlsHandler(HandlerOptions options, config::Position position)
      : options_(std::move(options)), position_(std::move(position)) {}

  void validate(config::Errors& errors) const override {
    Material material;
    std::string why;
    if (!material.read(options_, why)) return errors.add(position_, "tls can't read " + why);
    // Without a certificate one is made when it is needed.
    if (!options_.certificates.empty() && !Contexts::make(options_, material, nullptr, why))
      errors.add(position_, "tls can't use " + why);
  }
  void provision(BuildContext& context) override { server_ = Server::make(options_, context); }
  bool is_layer() const override { return true; }
  bool can_serve() const override { return false; }  // until streams go through their layers
  std::unique_ptr<ByteStream> wrap(Worker& worker, std::unique_ptr<ByteStream> below,
                                   StreamInfo& info) const override {
    return server_->wrap(worker, std::move(below), info);
  }

 private:
  HandlerOptions options_;
  config::Position position_;
  std::shared_ptr<Server> server_;
};

std::unique_ptr<Handler> create_handler(const config::Node& node, CreateContext& context) {
  auto options = read_handler(node, context.errors);
  if (const auto& global = global_tls(context.scope);
      options.certificates.empty() && !global.certificate.empty()) {
    options.certificates = {global.certificate};
    options.keys = {global.key};
  }
  options.keys.resize(options.certificates.size());  // when not, it was an error already
  context.errors.not_active(node.position, "tls");
  return std::make_unique<TlsHandler>(std::move(options), node.position);
}

std::unique_ptr<Matcher> create_matcher(const config::Node& node, CreateContext& context) {
  context.errors.not_active(node.position, "matcher tls");
  return std::make_unique<TlsMatcher>(read_matcher(node, context.errors));
}

constexpr HandlerFactory kHandlers[] = {{"tls", create_handler}};
constexpr MatcherFactory kMatchers[] = {{"tls", create_matcher}};

}  // namespace
}  // namespace sipward::tls

SIPWARD_MODULE("tls", SIPWARD_VERSION, sipward::tls::kHandlers, sipward::tls::kMatchers);
