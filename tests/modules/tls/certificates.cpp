#include "certificates.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "openssl.hpp"

namespace sipward::test {
namespace {

using namespace tls;

std::string text_of(BIO* bio) {
  const char* text = nullptr;
  const auto size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

void extend(X509* x, int nid, const std::string& value) {
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  REQUIRE(extension);
  REQUIRE(X509_add_ext(x, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

Certificate make(const std::vector<std::string>& names, KeyType type, const Certificate* issuer,
                 bool authority) {
  const KeyPtr key(type == KeyType::rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  const CertificatePtr x(X509_new());
  X509_set_version(x.get(), X509_VERSION_3);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(x.get()), 86400);
  X509_set_pubkey(x.get(), key.get());
  auto* subject = X509_get_subject_name(x.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(names.front().c_str()), -1, -1, 0);
  const EVP_PKEY* signer = key.get();
  CertificatePtr issuer_certificate;
  KeyPtr issuer_key;
  if (issuer) {
    const BioPtr c(BIO_new_mem_buf(issuer->certificate.data(), -1)),
        k(BIO_new_mem_buf(issuer->key.data(), -1));
    issuer_certificate.reset(PEM_read_bio_X509(c.get(), nullptr, nullptr, nullptr));
    issuer_key.reset(PEM_read_bio_PrivateKey(k.get(), nullptr, nullptr, nullptr));
    signer = issuer_key.get();
  }
  X509_set_issuer_name(x.get(), issuer ? X509_get_subject_name(issuer_certificate.get()) : subject);
  if (authority) {
    extend(x.get(), NID_basic_constraints, "critical,CA:TRUE");
  } else {
    std::string list;
    for (const auto& name : names) list += (list.empty() ? "DNS:" : ",DNS:") + name;
    extend(x.get(), NID_subject_alt_name, list);
  }
  REQUIRE(X509_sign(x.get(), const_cast<EVP_PKEY*>(signer), EVP_sha256()) > 0);
  const BioPtr c(BIO_new(BIO_s_mem())), k(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(c.get(), x.get());
  PEM_write_bio_PrivateKey(k.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {text_of(c.get()), text_of(k.get())};
}

}  // namespace

Certificate make_certificate(const std::vector<std::string>& names, KeyType type, const Certificate* issuer) {
  return make(names, type, issuer, false);
}

Certificate make_authority(const std::string& name) {
  return make({name}, KeyType::ecdsa, nullptr, true);
}

Folder::Folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "sipward_tls_XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()));
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& text) const {
  const auto file = path(name);
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  return file;
}

}  // namespace sipward::test
