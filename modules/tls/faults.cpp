#include "faults.hpp"

#include <openssl/sslerr.h>

namespace sipward::tls {

Handshake handshake_of(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return Handshake::protocol;
  const int reason = ERR_GET_REASON(error);
  if (reason > SSL_AD_REASON_OFFSET) return Handshake::alert;
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_UNKNOWN_PROTOCOL:
      return Handshake::not_tls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return Handshake::version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      return Handshake::no_common_cipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return Handshake::alpn;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
      return Handshake::client_certificate;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return Handshake::cut;
    default:
      return Handshake::protocol;
  }
}

}  // namespace sipward::tls
