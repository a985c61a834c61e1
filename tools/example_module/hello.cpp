// A whole module: directive `hello` answers OPTIONS itself, so that the keep-alives of others never reach the
// PBX.
//
//   hello {
//       allow INVITE ACK BYE CANCEL OPTIONS
//   }
#include <string>
#include <vector>

#include "sipward/module.hpp"
#include "sipward/packet.hpp"

namespace {

using namespace sipward;

struct Options {
  std::vector<std::string> allow;  // methods to name in the answer; empty: none are named
};

Options read_options(const config::Node& node, config::Errors& errors) {
  Options o;
  config::Reader r(node, errors);
  r.texts("allow", o.allow);
  r.finish();  // every option that nobody asked for is an error with its line
  return o;
}

class Hello final : public Handler {
 public:
  explicit Hello(const Options& options) {
    for (const std::string& method : options.allow) allow_ += (allow_.empty() ? "Allow: " : ", ") + method;
    if (!allow_.empty()) allow_ += "\r\n";
  }

  void provision(BuildContext& context) override {
    answered_ = context.metrics.counter("hello_answered_total", "OPTIONS that hello answered.");
  }

  // One Hello serves every worker at once, hence const; a Counter has a cell for each of them.
  Verdict on_inbound(Packet& packet) const override {
    if (packet.is_keep_alive() || packet.sip().method() != sip::Method::options) return Verdict::next;
    packet.worker().reply(packet, 200, "OK", allow_);
    answered_.add(packet.worker().index());
    return Verdict::consumed;
  }

 private:
  std::string allow_;  // a whole header line, or nothing
  Counter answered_;
};

std::unique_ptr<Handler> create(const config::Node& node, CreateContext& context) {
  return std::make_unique<Hello>(read_options(node, context.errors));
}

constexpr HandlerFactory kHandlers[] = {{"hello", create}};

}  // namespace

SIPWARD_MODULE("hello", "1.0.0", kHandlers);
