#pragma once

#include "harness.hpp"
#include "proxy.hpp"
#include "sipward/testing/fake_host.hpp"
#include "sipward/testing/sip_text.hpp"

namespace sipward::test {

// A proxy in front of real workers: clients and upstreams are sockets of the test.
struct Switchboard {
  explicit Switchboard(std::size_t workers = 1) : site(workers), counters(site.metrics) {}
  ~Switchboard() { site.stop(); }

  std::unique_ptr<Handler> proxy(const std::vector<std::string>& upstreams,
                                 proxy::Policy policy = proxy::Policy::round_robin) {
    proxy::Options options;
    for (const auto& address : upstreams)
      options.pool.upstreams.push_back({*config::parse_upstream(address)});
    options.pool.policy = policy;
    if (tune) tune(options.pool);
    auto handler = std::make_unique<proxy::Proxy>(options);
    BuildContext context{services, site.metrics, site.log,  site.clock, site.pool,
                         resolver, guarded,      endpoints, scope,      "/nonexistent"};
    handler->provision(context);
    return handler;
  }
  // From now on every listener forwards to these; their names resolve when resolve() says so.
  void forward(const std::vector<std::string>& listen, const std::vector<std::string>& upstreams,
               proxy::Policy policy = proxy::Policy::round_robin) {
    site.serve(tree_of(listen, proxy(upstreams, policy)));
  }
  void resolve(const std::string& host, const Endpoint& endpoint) {
    for (auto& [name, changed] : resolver.watched)
      if (name == host) changed({endpoint});
    site.settle();
  }
  template <class Ask>
  auto of_targets(Ask ask) {
    return ask(*services.find<proxy::Targets>("proxy/targets/1"));
  }
  std::uint64_t dropped(proxy::ProxyMetrics::Drop reason) const { return counters.dropped.sum(reason); }
  bool drops(proxy::ProxyMetrics::Drop reason, std::uint64_t n = 1) {
    return site.eventually([&] { return dropped(reason) >= n; });
  }

  std::function<void(proxy::PoolOptions&)> tune;  // of proxies made later

  FakeResolver resolver;
  Services services;
  ProtectedAddresses guarded;
  HttpEndpoints endpoints;
  BuildScope scope;
  Site site;
  proxy::ProxyMetrics counters;
};

// A client's message and what the upstream saw of it.
inline SipText numbered(const std::string& method, const std::string& id) {
  SipText text;
  text.method = method;
  text.branch = "z9hG4bK" + id;
  text.call_id = "call-" + id;
  return text;
}

// A UDP upstream of the test's.
struct Upstream {
  Socket socket{SOCK_DGRAM, loopback()};
  Endpoint at = socket.local();
  Endpoint from;  // of what came last

  std::string receive() { return socket.receive(&from); }
  void answer(const SipText& request, int status, const std::string& more = {}) {
    socket.send_to(request.response(status, "pbx", more), from);
  }
};

inline const std::string kChallenge = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"abc\"\r\n";
inline const std::string kCredentials =
    "Authorization: Digest username=\"alice\", realm=\"pbx\", nonce=\"abc\", uri=\"sip:example.com\", "
    "response=\"0\"\r\n";

// The client echoes a nonce: it is proven, and its next messages go by a flow of its own. The port of that
// flow.
inline Port prove(Socket& client, const Endpoint& guard, Upstream& upstream, const std::string& id) {
  auto text = numbered("REGISTER", "prove1" + id);
  client.send_to(text.request(), guard);
  upstream.receive();
  upstream.answer(text, 401, kChallenge);
  client.receive();
  text = numbered("REGISTER", "prove2" + id);
  text.extra = kCredentials;
  client.send_to(text.request(), guard);
  upstream.receive();
  upstream.answer(text, 200);
  client.receive();
  return upstream.from.port;
}

}  // namespace sipward::test
