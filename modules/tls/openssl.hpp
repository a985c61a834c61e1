#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace sipward::tls {

// OpenSSL's objects, each with the function that ends it.
template <auto end>
struct Ends {
  template <class T>
  void operator()(T* object) const {
    end(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Ends<BIO_free_all>>;
using SslPtr = std::unique_ptr<SSL, Ends<SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, Ends<SSL_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, Ends<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Ends<EVP_PKEY_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Ends<X509_STORE_free>>;

// What OpenSSL says about the failure of the call before, on this thread; its queue is empty afterwards.
inline std::string last_error() {
  const auto code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string text = reason ? reason : "no reason given";
  ERR_clear_error();
  return text;
}

}  // namespace sipward::tls
