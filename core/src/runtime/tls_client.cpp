#include "sipward/tls_client.hpp"

namespace sipward {

void read_tls_client(config::Reader& block, TlsClientOptions& out) {
  block.flag("insecure_skip_verify", out.insecure_skip_verify);
  block.texts("ca", out.ca);
  block.text("certificate", out.certificate);
  block.text("key", out.key);
  block.text("server_name", out.server_name);
  if (block.given("certificate") != block.given("key"))
    block.error("certificate", "tls wants a certificate and its key");
  if (out.insecure_skip_verify && !out.ca.empty())
    block.error("insecure_skip_verify", "a ca is of no use when nothing is verified");
}

}  // namespace sipward
