// The directive `hello` answers OPTIONS itself, so that keep-alives of phones and trunks never reach the PBX.
//
//   hello {
//       allow INVITE ACK BYE CANCEL OPTIONS
//       status 200
//   }
#include <string>
#include <vector>

#include "sipward/module.hpp"
#include "sipward/packet.hpp"
#include "sipward/sip/reply.hpp"

namespace {

using namespace sipward;

struct Options {
  std::vector<std::string> allow;  // methods to name in the answer; empty: none are named
  int status = 200;
};

Options read_options(const config::Node& node, config::Errors& errors) {
  Options options;
  config::Reader reader(node, errors);
  reader.texts("allow", options.allow);
  reader.number("status", options.status, 200, 699);
  if (options.status >= 300 && reader.given("allow"))
    reader.error("allow", "allow is for a status below 300");
  reader.finish();  // whatever nobody has asked for is an error with its line
  return options;
}

class HelloHandler final : public Handler {
 public:
  explicit HelloHandler(const Options& options) : status_(options.status) {
    for (const std::string& method : options.allow) allow_ += (allow_.empty() ? "Allow: " : ", ") + method;
    if (!allow_.empty()) allow_ += "\r\n";
  }

  void provision(BuildContext& context) override {
    answered_ = context.metrics.counter("hello_answered_total", "OPTIONS answered by hello.");
  }

  // One handler serves every worker at once, hence const; a Counter has a cell for each of them.
  Verdict on_inbound(Packet& packet) const override {
    if (packet.is_keep_alive() || packet.sip().method() != sip::Method::options) return Verdict::next;
    packet.worker().reply(packet, status_, sip::reason_phrase(status_), allow_);
    answered_.add(packet.worker().index());
    return Verdict::consumed;
  }

 private:
  int status_;
  std::string allow_;  // a whole header line, or nothing
  Counter answered_;
};

std::unique_ptr<Handler> create(const config::Node& node, CreateContext& context) {
  return std::make_unique<HelloHandler>(read_options(node, context.errors));
}

constexpr HandlerFactory kHandlers[] = {{"hello", create}};

}  // namespace

SIPWARD_MODULE("hello", "0.1.0", kHandlers);
