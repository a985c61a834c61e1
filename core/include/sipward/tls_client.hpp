#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/build_context.hpp"
#include "sipward/byte_stream.hpp"
#include "sipward/config.hpp"
#include "sipward/services.hpp"

namespace sipward {

// How a connection that we open is made safe. By default the other side must show a certificate that the
// system's authorities vouch for, with the name that was dialled.
struct TlsClientOptions {
  bool insecure_skip_verify = false;  // any certificate will do
  std::vector<std::string> ca;        // PEM files; empty: the system's
  std::string certificate, key;       // PEM files of our own, shown when asked for; both or none
  std::string server_name;            // to ask for and to verify; empty: what was dialled
};
// Reads them from a block `tls { … }`, whose reader calls finish() itself.
void read_tls_client(config::Reader& block, TlsClientOptions& out);

// The client's side of TLS for one set of options. Its files are read again when they change. Safe to call
// from any thread unless a call says otherwise.
class TlsClient {
 public:
  virtual ~TlsClient() = default;
  // On the worker that the stream is for: puts TLS over a stream that is connected; handshake() is the
  // caller's to drive, within a time limit. `host` is the name or the literal address that was dialled.
  // nullptr when memory is short. The result may outlive this object. Its faults are "tls_server_certificate"
  // and those of the handler `tls`.
  virtual std::unique_ptr<ByteStream> wrap(Worker& worker, std::unique_ptr<ByteStream> below,
                                           std::string_view host) const = 0;
};

// Where they come from: the service "tls_client/1" of a module, made by core.
class TlsClients : public Service {
 public:
  // Reads the files; throws config::ConfigError when they are no good. Control thread, while provisioning.
  virtual std::shared_ptr<const TlsClient> make(const TlsClientOptions& options, BuildContext& context) = 0;
};

// Of the configuration that is being provisioned; nullptr when no loaded module offers them.
inline std::shared_ptr<TlsClients>& tls_clients(BuildScope& scope) {
  return scope.get<std::shared_ptr<TlsClients>>("tls_client/1");
}

}  // namespace sipward
