#pragma once

#include <memory>
#include <string>
#include <vector>

#include "certificates.hpp"
#include "options.hpp"
#include "pipe.hpp"
#include "server.hpp"
#include "sipward/testing/fake_host.hpp"

namespace sipward::test {

// OpenSSL's own client at the other end of a pipe.
class Client {
 public:
  struct Setup {
    std::string server_name = "sip.example.com";
    int min_version = TLS1_2_VERSION, max_version = TLS1_3_VERSION;
    std::string ciphers = {};     // of TLS 1.2
    std::string signatures = {};  // which the server's certificate must fit: "RSA+SHA256"
    std::vector<std::string> alpn = {};
    const Certificate* certificate = nullptr;
    SSL_SESSION* session = nullptr;
    bool verify = false;
  };
  explicit Client(const Setup& setup);

  bool handshake();  // true once it is done
  void write(const std::string& octets);
  std::string read();
  void close() {
    SSL_shutdown(ssl_.get());
    pump();
  }
  void pump();  // what it has written to the pipe, and the other way round
  SSL* ssl() { return ssl_.get(); }
  std::string subject();  // of the server's certificate
  int key_type();
  bool failed = false;

  std::shared_ptr<Pipe> to_server = std::make_shared<Pipe>(), to_client = std::make_shared<Pipe>();
  std::shared_ptr<SSL_SESSION> session;  // the last one that the server gave

 private:
  tls::SslContextPtr context_;
  tls::SslPtr ssl_;
};

// A worker, a handler's server side, and clients that come to it.
struct Host {
  FakeHost fake;
  Folder folder;

  BuildContext context() {
    return {fake.services,
            fake.metrics,
            fake.log,
            fake.clock,
            fake.workers,
            fake.resolver,
            fake.protected_addresses,
            fake.endpoints,
            fake.scope,
            folder.root()};
  }
  std::shared_ptr<tls::Server> serve(tls::HandlerOptions options) {
    auto c = context();
    return tls::Server::make(std::move(options), c);
  }
  // A handler's options with one pair of files.
  tls::HandlerOptions with(const Certificate& certificate, const std::string& name = "a");
  double metric(const std::string& name, const std::string& label_value = {});
};

// A client that comes to a server, over a pipe.
struct Meeting {
  Meeting(Host& host, const tls::Server& server, const Client::Setup& setup,
          const char* from = "192.0.2.10:5061");
  ByteStream::Result shake();  // both go on until neither gets further; what the server's side said last

  Host& host;
  StreamInfo info;
  Client client;
  std::unique_ptr<ByteStream> stream;
};

std::string read_all(ByteStream& stream);

}  // namespace sipward::test
