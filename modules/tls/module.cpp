#include "sipward/module.hpp"

#include "options.hpp"

namespace sipward::tls {
namespace {

// Stands where the stream layer will be, so that routes with `tls` are read and checked as a whole.
class InactiveTls final : public Handler {
 public:
  bool can_serve() const override { return false; }
};

// Takes no message; says nothing about sources, so no route is closed to anybody because of it.
class InactiveTlsMatcher final : public Matcher {
 public:
  Match match(Packet&) const override { return Match::no; }
};

std::unique_ptr<Handler> create_handler(const config::Node& node, CreateContext& context) {
  read_handler(node, context.errors);
  return std::make_unique<InactiveTls>();
}

std::unique_ptr<Matcher> create_matcher(const config::Node& node, CreateContext& context) {
  read_matcher(node, context.errors);
  return std::make_unique<InactiveTlsMatcher>();
}

constexpr HandlerFactory kHandlers[] = {{"tls", create_handler}};
constexpr MatcherFactory kMatchers[] = {{"tls", create_matcher}};

}  // namespace
}  // namespace sipward::tls

SIPWARD_MODULE("tls", SIPWARD_VERSION, sipward::tls::kHandlers, sipward::tls::kMatchers);
