#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "harness.hpp"
#include "sipward/testing/sip_text.hpp"
#include "tcp/connections.hpp"

namespace sipward::test {

// A site with one TCP listener that runs this handler.
struct Shop {
  Site site;
  explicit Shop(std::unique_ptr<Script> script, std::size_t workers = 1) : site(workers) {
    site.serve(tree_of({"tcp/127.0.0.1:0"}, std::move(script)));
  }
  Socket connect(const char* from = "127.0.0.1") {
    Socket socket(SOCK_STREAM, loopback(from));
    socket.connect(site.bound());
    return socket;
  }
  void limit(const Connections::Limits& limits) {
    site.run([&](Worker& worker) { static_cast<WorkerThread&>(worker).connections().limit(limits); });
  }
  bool counted(RuntimeMetrics::Connection what, std::uint64_t n) {
    return site.eventually([&] { return site.counters.connections.sum(what) >= n; });
  }
  std::uint64_t ended(StreamEnd why) {
    return site.counters.connections_ended.sum(static_cast<std::size_t>(why));
  }
  bool ends(StreamEnd why, std::uint64_t n = 1) {
    return site.eventually([&] { return ended(why) >= n; });
  }
};

inline std::unique_ptr<Script> answering() {
  auto script = std::make_unique<Script>();
  script->inbound = [](Packet& p) {
    p.worker().reply(p, 200, "OK");
    return Verdict::consumed;
  };
  return script;
}

// Accepts a REGISTER of that client as the upstream would: from now on it has one registration more.
inline void register_client(Site& site, const char* address, const std::string& user) {
  site.run([&](Worker& worker) {
    Peer peer;
    peer.remote = loopback(address, 1);
    peer.transport = Transport::tcp;
    SipText text;
    text.method = "REGISTER";
    text.branch += user;
    text.to = text.from = "<sip:" + user + "@example.com>";
    text.extra = "Contact: <sip:" + user + "@192.0.2.9>\r\n";
    sip::Message message;
    const auto request = text.request(), answer = text.response(200, "t", text.extra);
    message.parse(request, sip::Framing::datagram);
    auto* transaction = worker.sources().begin(message, peer, Proof::handshake, worker.now());
    message.parse(answer, sip::Framing::datagram);
    worker.sources().outbound(message, peer, transaction, worker.now());
  });
}

}  // namespace sipward::test
