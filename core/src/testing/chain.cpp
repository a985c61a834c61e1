#include "sipward/testing/chain.hpp"

#include "modules/component_steps.hpp"
#include "modules/module_host.hpp"
#include "routing/chain.hpp"
#include "sipward/sip/datagram.hpp"
#include "sipward/sip/header.hpp"

namespace sipward::test {
namespace {

class Creating final : public CreateContext {
 public:
  Creating(const ModuleHost& modules, config::Errors& e, BuildScope& s)
      : CreateContext(e, s), modules_(modules) {}

  std::vector<std::unique_ptr<HttpHandler>> http_children(const config::Node& parent) override {
    std::vector<std::unique_ptr<HttpHandler>> made;
    for (const auto& child : parent.children)
      if (auto handler = modules_.create_http(child, *this)) made.push_back(std::move(handler));
    return made;
  }

 private:
  const ModuleHost& modules_;
};

struct Upstream final : Handler {
  explicit Upstream(std::vector<std::string>& notes) : notes_(notes) {}
  Verdict on_inbound(Packet& packet) const override {
    notes_.emplace_back(packet.octets());
    if (!packet.is_keep_alive() && packet.sip().kind() == sip::Kind::request) packet.begin_transaction();
    return Verdict::consumed;
  }
  bool terminal() const override { return true; }

 private:
  std::vector<std::string>& notes_;
};

void load(ModuleHost& host, const std::vector<const ModuleInfo*>& modules) {
  for (const auto* module : modules)
    if (!host.add(*module)) throw config::ConfigError("module is refused: " + host.modules().back().refused);
}

Fate fate_of(ChainEnd end, bool reached_upstream) {
  switch (end) {
    case ChainEnd::dropped:
      return Fate::dropped;
    case ChainEnd::refused:
      return Fate::refused;
    case ChainEnd::unmatched:
      return Fate::unmatched;
    case ChainEnd::own_ack:
      return Fate::acknowledged;
    case ChainEnd::handled:
    case ChainEnd::unhandled:
      break;
  }
  return reached_upstream ? Fate::forwarded : Fate::consumed;
}

}  // namespace

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::forwarded:
      return "forwarded";
    case Fate::consumed:
      return "consumed";
    case Fate::dropped:
      return "dropped";
    case Fate::refused:
      return "refused";
    case Fate::unmatched:
      return "unmatched";
    case Fate::acknowledged:
      break;
  }
  return "acknowledged";
}

int Outcome::status() const {
  sip::Message message;
  for (const auto& octets : sent) {
    message.parse(octets, sip::Framing::datagram);
    if (message.kind() == sip::Kind::response) return static_cast<int>(message.status());
  }
  return 0;
}

std::string Outcome::header(std::string_view name) const {
  sip::Message message;
  for (const auto& octets : sent) {
    message.parse(octets, sip::Framing::datagram);
    if (message.kind() != sip::Kind::response) continue;
    for (const auto& one : message.headers())
      if (sip::iequals(one.name, name)) return std::string(one.value);
    break;
  }
  return {};
}

// The directives as a server with one route.
struct Chain::Route {
  ModuleHost modules;
  RouteServer server;
  std::vector<std::string> forwarded;
  Peer last;  // of the last message that was forwarded

  void build(const Setup& setup, BuildScope& scope, config::Errors& errors) {
    load(modules, setup.modules);
    Creating context(modules, errors, scope);
    auto& set = server.sets.emplace_back(std::make_unique<MatcherSet>());
    for (const auto& node : config::parse_text("match", setup.match, {}, errors))
      add(*set, modules.create_matcher(node, context), node, errors);
    auto& route = server.routes.emplace_back();
    if (!set->empty()) route.match.push_back(set.get());
    for (const auto& node : config::parse_text("Sipfile", setup.handlers, {}, errors))
      add(route.handlers, modules.create_handler(node, context), node, errors);
    route.handlers.push_back(std::make_unique<Upstream>(forwarded));
  }
  template <class List, class Made>
  static void add(List& list, Made made, const config::Node& node, config::Errors& errors) {
    if (!made) return;
    validate_component(*made, node, errors);
    list.push_back(std::move(made));
  }

  void provision(BuildContext context) {
    for (auto& matcher : *server.sets.front()) provision_component(*matcher, context);
    for (auto& handler : server.routes.front().handlers) provision_component(*handler, context);
    for (auto& service : context.services.take_new()) service->start();
  }
};

Chain::Chain(const Setup& setup) : host_(setup.workers), route_(std::make_unique<Route>()) {
  config::Errors errors;
  route_->build(setup, host_.scope, errors);
  errors.throw_if_any();
  route_->provision(host_.context());
  host_.workers.run();
  for (std::size_t i = 0; i < setup.workers; ++i) {
    host_.workers.at(i).outbound = [this, i](Packet& packet) {
      if (run_outbound(route_->server, packet) != ChainEnd::handled) return false;
      if (!packet.is_keep_alive())
        host_.workers.at(i).sources().outbound(packet.sip(), packet.peer(), packet.transaction(),
                                               host_.clock.now());
      return true;
    };
  }
}

Chain::~Chain() {
  host_.workers.run();
}

std::string Chain::problems(const Setup& setup) {
  config::Errors errors;
  BuildScope scope;
  Route().build(setup, scope, errors);
  return errors.to_string();
}

Peer Chain::client(std::string_view endpoint, Transport transport) {
  const auto remote = Endpoint::parse(endpoint);
  if (!remote) throw std::invalid_argument("no client can have the address " + std::string(endpoint));
  Peer peer;
  peer.remote = *remote;
  peer.local = *Endpoint::parse("203.0.113.1:5060");
  peer.transport = transport;
  peer.connection = is_stream(transport) ? peer.remote.port : 0;
  return peer;
}

Outcome Chain::from_client(std::string_view octets, const Peer& from) {
  const auto reached = route_->forwarded.size();
  const auto sent = worker().sent.size();
  Packet packet(worker(), Direction::inbound);
  packet.assign(from, octets);
  packet.set_keep_alive(sip::classify(octets) == sip::Datagram::keep_alive);
  Outcome outcome{fate_of(run_inbound(route_->server, packet), false), {}};
  if (route_->forwarded.size() > reached) {
    outcome.fate = Fate::forwarded;
    route_->last = packet.peer();
  }
  host_.workers.run();
  for (auto i = sent; i < worker().sent.size(); ++i) outcome.sent.push_back(worker().sent[i].octets);
  return outcome;
}

Outcome Chain::from_upstream(std::string_view octets) {
  const auto sent = worker().sent.size();
  Packet packet(worker(), Direction::outbound);
  packet.assign(route_->last, octets);
  packet.set_keep_alive(sip::classify(octets) == sip::Datagram::keep_alive);
  if (const auto* transaction = packet.is_keep_alive() ? nullptr : packet.transaction())
    packet.set_peer(transaction->peer());
  Outcome outcome{worker().deliver(packet) ? Fate::forwarded : Fate::dropped, {}};
  host_.workers.run();
  for (auto i = sent; i < worker().sent.size(); ++i) outcome.sent.push_back(worker().sent[i].octets);
  return outcome;
}

void Chain::stream_fault(std::string_view fault, const Peer& from) {
  tell_fault(route_->server, worker(), {from.remote, from.local, from.transport}, fault);
  host_.workers.run();
}

void Chain::advance(Duration by) {
  host_.clock.advance(by);
  host_.workers.run();
}

const std::vector<std::string>& Chain::forwarded() const {
  return route_->forwarded;
}

double Chain::metric(std::string_view name, std::string_view label_value) const {
  double sum = 0;
  for (const auto& family : host_.metrics.collect()) {
    if (family.name != name) continue;
    for (const auto& sample : family.samples)
      if (sample.suffix.empty() && (label_value.empty() || sample.label_value == label_value))
        sum += sample.number;
  }
  return sum;
}

}  // namespace sipward::test
