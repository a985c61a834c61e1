#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "peer.hpp"
#include "sipward/file_watch.hpp"

using namespace sipward;
using namespace sipward::test;
using Catch::Matchers::Contains;
using Status = ByteStream::Status;

namespace {

void add(Host& host, tls::HandlerOptions& options, const std::string& name, const Certificate& certificate) {
  options.certificates.push_back(host.folder.write(name + ".pem", certificate.certificate));
  options.keys.push_back(host.folder.write(name + ".key", certificate.key));
}

void look(Host& host) {
  const auto watch = FileWatch::get(host.fake.services);
  watch->look();
  watch->look();
}

}  // namespace

TEST_CASE("the name that a client asks for chooses the certificate") {
  Host host;
  tls::HandlerOptions options;
  add(host, options, "a", make_certificate({"a.example.com"}));
  add(host, options, "b", make_certificate({"b.example.com", "*.example.org"}));
  add(host, options, "rsa", make_certificate({"b.example.com"}, KeyType::rsa));
  const auto server = host.serve(options);
  const auto subject = [&](const char* name) {
    Meeting m(host, *server, {.server_name = name});
    REQUIRE(m.shake().status == Status::ok);
    return m.client.subject();
  };
  CHECK(subject("a.example.com") == "a.example.com");
  CHECK(subject("B.EXAMPLE.com") == "b.example.com");
  CHECK(subject("x.example.org") == "b.example.com");
  CHECK(subject("example.org") == "a.example.com");
  CHECK(subject("x.y.example.org") == "a.example.com");
  CHECK(subject("elsewhere.example.net") == "a.example.com");
  CHECK(subject("") == "a.example.com");

  Meeting rsa(host, *server, {.server_name = "b.example.com", .signatures = "RSA-PSS+SHA256:RSA+SHA256"});
  REQUIRE(rsa.shake().status == Status::ok);
  CHECK(rsa.client.key_type() == EVP_PKEY_RSA);
  Meeting ecdsa(host, *server, {.server_name = "b.example.com", .signatures = "ECDSA+SHA256"});
  REQUIRE(ecdsa.shake().status == Status::ok);
  CHECK(ecdsa.client.key_type() == EVP_PKEY_EC);
}

TEST_CASE("versions, ciphers and protocols of applications are as they were asked for") {
  Host host;
  auto options = host.with(make_certificate({"sip.example.com"}));
  const auto fault = [&](const Client::Setup& setup) {
    Meeting m(host, *host.serve(options), setup);
    const auto result = m.shake();
    return std::string(result.fault);
  };
  SECTION("a floor") {
    options.protocols = {tls::Version::tls1_3};
    CHECK(fault({.max_version = TLS1_2_VERSION}) == "tls_version");
    CHECK(fault({}).empty());
  }
  SECTION("a range") {
    options.protocols = {tls::Version::tls1_2, tls::Version::tls1_2};
    CHECK(fault({.min_version = TLS1_3_VERSION}) == "tls_version");
    CHECK(fault({}).empty());
  }
  SECTION("nothing below TLS 1.2") {
    CHECK(fault({.min_version = TLS1_1_VERSION,
                 .max_version = TLS1_1_VERSION,
                 .ciphers = "DEFAULT@SECLEVEL=0"}) == "tls_version");
  }
  SECTION("ciphers") {
    options.ciphers = {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"};
    CHECK(fault({.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"}) ==
          "tls_no_cipher");
    CHECK(fault({.max_version = TLS1_2_VERSION}).empty());
    CHECK(fault({}).empty());
  }
  SECTION("protocols") {
    options.alpn = {"sip", "http/1.1"};
    CHECK(fault({.alpn = {"h2"}}) == "tls_alpn");
    CHECK(fault({}).empty());
    Meeting m(host, *host.serve(options), {.alpn = {"h2", "http/1.1", "sip"}});
    REQUIRE(m.shake().status == Status::ok);
    CHECK(m.info.alpn == "sip");
  }
}

TEST_CASE("clients prove who they are, as they are asked to") {
  Host host;
  const auto authority = make_authority("Test CA");
  const auto other_authority = make_authority("Other CA");
  const auto known = make_certificate({"phone.example.com"}, KeyType::ecdsa, &authority);
  const auto unknown = make_certificate({"phone.example.com"}, KeyType::ecdsa, &other_authority);
  auto options = host.with(make_certificate({"sip.example.com"}));
  options.trust_pool = {host.folder.write("ca.pem", authority.certificate)};
  struct Case {
    tls::ClientAuth mode;
    bool none, stranger;  // whether they get in
    const char* name;     // of the known one
  };
  const auto c = GENERATE(Case{tls::ClientAuth::request, true, true, ""},
                          Case{tls::ClientAuth::require, false, true, ""},
                          Case{tls::ClientAuth::verify_if_given, true, false, "CN=phone.example.com"},
                          Case{tls::ClientAuth::require_and_verify, false, false, "CN=phone.example.com"});
  options.client_auth = c.mode;
  const auto server = host.serve(options);
  const auto version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const auto come = [&](const Certificate* certificate, std::string* name = nullptr) {
    Meeting m(host, *server, {.max_version = version, .certificate = certificate});
    const auto result = m.shake();
    if (result.status == Status::error) CHECK(result.fault == "tls_client_certificate");
    if (name) *name = m.info.client_name;
    return result.status == Status::ok;
  };
  std::string name;
  CHECK(come(nullptr) == c.none);
  CHECK(come(&unknown) == c.stranger);
  CHECK(come(&known, &name));
  CHECK(name == c.name);
}

TEST_CASE(
    "a session is resumed, also after a reload of the configuration, but not where more is asked of "
    "clients") {
  Host host;
  const auto certificate = make_certificate({"sip.example.com"});
  const auto options = host.with(certificate);
  auto server = host.serve(options);
  const auto version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Meeting first(host, *server, {.max_version = version});
  REQUIRE(first.shake().status == Status::ok);
  REQUIRE(first.client.session);

  server = host.serve(options);
  Meeting second(host, *server, {.max_version = version, .session = first.client.session.get()});
  REQUIRE(second.shake().status == Status::ok);
  CHECK(SSL_session_reused(second.client.ssl()) == 1);
  CHECK(host.metric("sipward_tls_handshakes_total", "resumed") == 1);

  auto strict = options;
  strict.client_auth = tls::ClientAuth::require;
  const auto other = host.serve(strict);
  Meeting third(
      host, *other,
      {.max_version = version,
       .session = second.client.session ? second.client.session.get() : first.client.session.get()});
  CHECK(third.shake().fault == "tls_client_certificate");

  // Tickets are sealed with fresh keys, and old ones end.
  host.fake.clock.advance(2 * tls::TicketKeys::kSeals);
  Meeting late(host, *server, {.max_version = version, .session = first.client.session.get()});
  REQUIRE(late.shake().status == Status::ok);
  CHECK(SSL_session_reused(late.client.ssl()) == 0);
}

TEST_CASE("changed files are read anew once they fit; open streams go on") {
  Host host;
  const auto options = host.with(make_certificate({"old.example.com"}));
  const auto server = host.serve(options);
  const auto subject = [&] {
    Meeting m(host, *server, {});
    REQUIRE(m.shake().status == Status::ok);
    return m.client.subject();
  };
  Meeting open(host, *server, {});
  REQUIRE(open.shake().status == Status::ok);

  const auto next = make_certificate({"new.example.com"});
  host.folder.write("a.pem", next.certificate);
  look(host);
  CHECK(subject() == "old.example.com");  // half a pair
  CHECK(host.metric("sipward_tls_certificate_reloads_total", "refused") == 1);
  CHECK_THAT(host.fake.log.lines().back(), Contains("those from before are kept"));
  look(host);
  CHECK(host.metric("sipward_tls_certificate_reloads_total", "refused") == 1);

  host.folder.write("a.key", next.key.substr(0, 40));
  look(host);
  CHECK(subject() == "old.example.com");
  host.folder.write("a.key", next.key);
  look(host);
  CHECK(subject() == "new.example.com");
  CHECK(host.metric("sipward_tls_certificate_reloads_total", "taken") == 1);

  open.client.write("still here");
  CHECK(read_all(*open.stream) == "still here");
  std::filesystem::remove(host.folder.path("a.key"));
  look(host);
  CHECK(subject() == "new.example.com");
}

TEST_CASE("without a certificate one is made, for its owner's eyes only, and kept") {
  Host host;
  auto server = host.serve({});
  CHECK_THAT(host.fake.log.lines().back(), Contains("no certificate is named"));
  struct stat state {};
  const auto path = host.folder.path("tls_self_signed.pem");
  REQUIRE(::stat(path.c_str(), &state) == 0);
  CHECK((state.st_mode & 0777) == 0600);
  std::string before, after, why;
  REQUIRE(tls::read_text(path, before, why));
  Meeting m(host, *server, {});
  REQUIRE(m.shake().status == Status::ok);
  CHECK(m.client.key_type() == EVP_PKEY_EC);
  server = host.serve({});
  REQUIRE(tls::read_text(path, after, why));
  CHECK(before == after);
  host.folder.write("tls_self_signed.pem", "broken");
  server = host.serve({});
  REQUIRE(tls::read_text(path, after, why));
  CHECK(after.find("BEGIN CERTIFICATE") != std::string::npos);
}

TEST_CASE("what is not there or does not fit refuses the configuration") {
  Host host;
  const auto a = make_certificate({"a.example.com"}), b = make_certificate({"b.example.com"});
  auto options = host.with(a);
  const auto refusal = [&] {
    try {
      host.serve(options);
    } catch (const config::ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  SECTION("no such file") {
    options.keys[0] = host.folder.path("none.key");
    CHECK_THAT(refusal(), Contains("none.key: No such file"));
  }
  SECTION("another's key") {
    host.folder.write("a.key", b.key);
    CHECK_THAT(refusal(), Contains("a.pem") && Contains("does not belong"));
  }
  SECTION("half a file") {
    host.folder.write("a.pem", a.certificate.substr(0, 100));
    CHECK_THAT(refusal(), Contains("not whole"));
  }
  SECTION("no authority") {
    options.client_auth = tls::ClientAuth::require_and_verify;
    options.trust_pool = {host.folder.path("ca.pem")};
    CHECK_THAT(refusal(), Contains("ca.pem: No such file"));
    host.folder.write("ca.pem", "nothing");
    CHECK_THAT(refusal(), Contains("ca.pem: no certificate"));
  }
  SECTION("an unknown cipher") {
    options.ciphers = {"ROT13"};
    CHECK_THAT(refusal(), Contains("ciphers: no cipher match"));
  }
}
