#pragma once

#include <string>
#include <vector>

namespace sipward::test {

enum class KeyType { ecdsa, rsa };

// A certificate with its key, in PEM form.
struct Certificate {
  std::string certificate, key;
};

// Signed by `issuer`, or by itself. The first name is the subject's; all are in the list of DNS names.
Certificate make_certificate(const std::vector<std::string>& names, KeyType type = KeyType::ecdsa,
                             const Certificate* issuer = nullptr);
Certificate make_authority(const std::string& name);

}  // namespace sipward::test
