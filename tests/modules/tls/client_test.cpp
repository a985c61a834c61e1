#include "client.hpp"

#include <catch2/catch.hpp>

#include "peer.hpp"
#include "sipward/file_watch.hpp"

using namespace sipward;
using namespace sipward::test;
using Catch::Matchers::Contains;
using Status = ByteStream::Status;

namespace {

// A connection that we open to a server of ours.
struct Dialled {
  Dialled(Host& host, const TlsClient& client, const tls::Server& server, const char* name) {
    auto& worker = host.fake.workers.at(0);
    info.source.remote = *Endpoint::parse("192.0.2.10:5061");
    ours = client.wrap(worker, std::make_unique<PipeEnd>(back, there), name);
    theirs = server.wrap(worker, std::make_unique<PipeEnd>(there, back), info);
    for (int round = 0; round < 10 && result.status != Status::error; ++round) {
      result = ours->handshake();
      answer = theirs->handshake();
    }
  }
  std::shared_ptr<Pipe> there = std::make_shared<Pipe>(), back = std::make_shared<Pipe>();
  StreamInfo info;
  std::unique_ptr<ByteStream> ours, theirs;
  ByteStream::Result result, answer;
};

struct Upstreams {
  Upstreams() : authority(make_authority("Test CA")), path(host.write("ca.pem", authority.certificate)) {}
  std::shared_ptr<const TlsClient> client(const TlsClientOptions& options) {
    auto context = host.context();
    return tls::Clients(context).make(options, context);
  }
  std::shared_ptr<const TlsClient> client(const std::string& ca, const std::string& server_name = {}) {
    TlsClientOptions options;
    if (!ca.empty()) options.ca = {ca};
    options.server_name = server_name;
    return client(options);
  }
  std::shared_ptr<tls::Server> serve(const std::vector<std::string>& names, tls::HandlerOptions more = {}) {
    const auto options = host.with(make_certificate(names, KeyType::ecdsa, &authority));
    more.certificates = options.certificates;
    more.keys = options.keys;
    return host.serve(more);
  }
  Host host;
  Certificate authority;
  std::string path;
};

}  // namespace

TEST_CASE("an upstream must have a certificate of a known authority, with the name that was dialled") {
  Upstreams u;
  const auto server = u.serve({"pbx.example.com", "*.example.org"});
  const auto known = u.client(u.path);
  const auto fault = [&](const TlsClient& client, const char* name) {
    return std::string(Dialled(u.host, client, *server, name).result.fault);
  };
  TlsClientOptions careless;
  careless.insecure_skip_verify = true;
  CHECK(fault(*known, "pbx.example.com").empty());
  CHECK(fault(*known, "sip.example.org").empty());
  CHECK(fault(*known, "other.example.com") == "tls_server_certificate");
  CHECK(fault(*known, "192.0.2.1") == "tls_server_certificate");
  CHECK(fault(*u.client(std::string()), "pbx.example.com") == "tls_server_certificate");
  CHECK(fault(*u.client(careless), "other.example.com").empty());
  CHECK(fault(*u.client(u.path, "pbx.example.com"), "192.0.2.1").empty());
  CHECK(u.host.metric("sipward_tls_upstream_handshakes_total", "tls_server_certificate") == 3);
  CHECK(u.host.metric("sipward_tls_upstream_handshakes_total", "full") == 4);
}

TEST_CASE("an upstream hears the name, sees our certificate, and octets pass") {
  Upstreams u;
  const auto own = make_certificate({"guard.example.com"}, KeyType::ecdsa, &u.authority);
  tls::HandlerOptions strict;
  strict.client_auth = tls::ClientAuth::require_and_verify;
  strict.trust_pool = {u.path};
  const auto server = u.serve({"pbx.example.com"}, strict);
  TlsClientOptions options;
  options.ca = {u.path};
  options.certificate = u.host.write("own.pem", own.certificate);
  options.key = u.host.write("own.key", own.key);
  Dialled d(u.host, *u.client(options), *server, "pbx.example.com");
  REQUIRE(d.result.status == Status::ok);
  REQUIRE(d.answer.status == Status::ok);
  CHECK(d.info.server_name == "pbx.example.com");
  CHECK(d.info.client_name == "CN=guard.example.com");
  CHECK(d.ours->write("INVITE").octets == 6);
  CHECK(read_all(*d.theirs) == "INVITE");
  CHECK(d.theirs->write("200 OK").octets == 6);
  CHECK(read_all(*d.ours) == "200 OK");
  Dialled without(u.host, *u.client(u.path), *server, "pbx.example.com");
  CHECK(without.answer.fault == "tls_client_certificate");
}

TEST_CASE("authorities are read again when their file changes") {
  Upstreams u;
  const auto server = u.serve({"pbx.example.com"});
  u.host.write("ca.pem", make_authority("Other CA").certificate);
  const auto client = u.client(u.path);
  CHECK(Dialled(u.host, *client, *server, "pbx.example.com").result.fault == "tls_server_certificate");
  const auto watch = FileWatch::get(u.host.fake.services);
  for (const auto& text : {u.authority.certificate, std::string("broken")}) {
    u.host.write("ca.pem", text);
    watch->look();
    watch->look();
    CHECK(Dialled(u.host, *client, *server, "pbx.example.com").result.status == Status::ok);
  }
  CHECK_THAT(u.host.fake.log.lines().back(), Contains("those from before are kept"));
}

TEST_CASE("options of an upstream's TLS are read and checked") {
  struct Case {
    const char* sipfile;
    const char* says;  // empty: nothing
  };
  for (const Case& c : {Case{"tls {\n insecure_skip_verify\n }", ""},
                        Case{"tls {\n ca a.pem b.pem\n server_name pbx.example.com\n }", ""},
                        Case{"tls {\n certificate a.pem\n key a.key\n }", ""},
                        Case{"tls {\n certificate a.pem\n }", "a certificate and its key"},
                        Case{"tls {\n insecure_skip_verify\n ca a.pem\n }", "of no use"}}) {
    config::Errors errors;
    const auto nodes = config::parse_text("Sipfile", c.sipfile, {}, errors);
    REQUIRE(nodes.size() == 1);
    config::Reader reader(nodes[0], errors);
    TlsClientOptions options;
    read_tls_client(reader, options);
    reader.finish();
    INFO(c.sipfile);
    CHECK(errors.ok() == std::string(c.says).empty());
    CHECK_THAT(errors.to_string(), Contains(c.says));
  }
  Upstreams u;
  CHECK_THROWS_WITH(u.client(u.host.folder / "none.pem"), Contains("none.pem: No such file"));
}
