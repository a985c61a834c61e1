#pragma once

#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "openssl.hpp"

namespace sipward::tls {

// A certificate with those that lead from it to its root, and its private key. Immutable once read.
struct KeyPair {
  CertificatePtr certificate;
  std::vector<CertificatePtr> chain;
  KeyPtr key;
  std::vector<std::string> names;  // the DNS names that it is good for, in lower case, * as first label
  int type = 0;                    // EVP_PKEY_EC, EVP_PKEY_RSA, …
  bool expired = false;            // or not yet valid, when it was read

  // From the text of PEM files; none with `why` when they are no pair.
  static std::shared_ptr<const KeyPair> read(const std::string& certificate, const std::string& key,
                                             std::string& why);
};

// The certificates in the text of a PEM file; empty when there is none, or one is broken.
std::vector<CertificatePtr> read_certificates(const std::string& pem);

// The whole of a file; false with `why` when it can't be had or is too large for what belongs in here.
bool read_text(const std::string& path, std::string& out, std::string& why);

// A file that holds an ECDSA P-256 key and a certificate for `host` that it signed itself; made, for its
// owner's eyes only, when there is none or the one that is there is no good. Throws config::ConfigError when
// it can't be written. Control thread.
std::filesystem::path self_signed(const std::filesystem::path& folder, const std::string& host);

}  // namespace sipward::tls
