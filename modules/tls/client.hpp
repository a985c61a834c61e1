#pragma once

#include <memory>

#include "handshakes.hpp"
#include "sipward/tls_client.hpp"

namespace sipward::tls {

// The service "tls_client/1": TLS towards others.
class Clients final : public TlsClients {
 public:
  static std::shared_ptr<Service> make_service(BuildContext& context);
  explicit Clients(BuildContext& context);
  std::shared_ptr<const TlsClient> make(const TlsClientOptions& options, BuildContext& context) override;

 private:
  Counter handshakes_;
};

}  // namespace sipward::tls
