#include "key_pair.hpp"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "server_name.hpp"
#include "sipward/config.hpp"

namespace sipward::tls {
namespace {

constexpr std::size_t kMostOctets = std::size_t{1} << 20;
constexpr long kDays = 3650;

BioPtr open_text(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A key with a password is refused; OpenSSL would ask for it on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

std::string text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

// The names of the extension alone count when there are any (RFC 6125 6.4.4).
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const auto keep = [&](const std::string& name) {
    if (is_server_name(name)) names.push_back(lower_case(name));
  };
  auto* list =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list); ++i) {
    const auto* name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) keep(text_of(name->d.dNSName));
  }
  GENERAL_NAMES_free(list);
  if (!names.empty()) return names;
  const auto* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) keep(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return names;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  const bool done = extension && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return done;
}

std::string make_self_signed(const std::string& host) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  auto* x = certificate.get();
  // The most that a common name takes (RFC 5280 A.1).
  const std::string name = is_server_name(host) && host.size() <= 64 ? host : "localhost";
  const auto* common_name = reinterpret_cast<const unsigned char*>(name.c_str());
  unsigned char serial[16];
  if (!key || !x || RAND_bytes(serial, sizeof serial) != 1) return {};
  serial[0] &= 0x7F;
  auto* number = BN_bin2bn(serial, sizeof serial, nullptr);
  const bool numbered = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
  BN_free(number);
  auto* subject = X509_get_subject_name(x);
  const bool made =
      numbered && X509_set_version(x, X509_VERSION_3) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
      X509_time_adj_ex(X509_getm_notAfter(x), static_cast<int>(kDays), 0, nullptr) &&
      X509_set_pubkey(x, key.get()) == 1 &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
      X509_set_issuer_name(x, subject) == 1 &&
      add_extension(x, NID_subject_alt_name, "DNS:" + name + (name == "localhost" ? "" : ",DNS:localhost")) &&
      add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
      X509_sign(x, key.get(), EVP_sha256()) > 0;
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!made || !out || PEM_write_bio_X509(out.get(), x) != 1 ||
      PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return {};
  const char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

// Whole or not at all, and never for others' eyes.
bool write_secret(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  auto temporary = path.string() + ".XXXXXX";
  const int fd = ::mkstemp(temporary.data());  // 0600
  if (fd < 0) return false;
  const bool written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const bool closed = ::close(fd) == 0;
  if (written && closed && std::rename(temporary.c_str(), path.c_str()) == 0) return true;
  const int why = errno;
  ::unlink(temporary.c_str());
  errno = why;
  return false;
}

}  // namespace

bool read_text(const std::string& path, std::string& out, std::string& why) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (file) out.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || out.empty()) {
    why = path + ": " + (errno != 0 ? std::strerror(errno) : "it is empty");
    return false;
  }
  if (out.size() <= kMostOctets) return true;
  why = path + ": it is larger than 1 MiB";
  return false;
}

std::vector<CertificatePtr> read_certificates(const std::string& pem) {
  std::vector<CertificatePtr> all;
  const auto bio = open_text(pem);
  ERR_clear_error();
  while (auto* one = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) all.emplace_back(one);
  // The end of the file is the one error that has to come.
  const auto end = ERR_peek_last_error();
  if (ERR_GET_LIB(end) != ERR_LIB_PEM || ERR_GET_REASON(end) != PEM_R_NO_START_LINE) all.clear();
  ERR_clear_error();
  return all;
}

std::shared_ptr<const KeyPair> KeyPair::read(const std::string& certificate, const std::string& key,
                                             std::string& why) {
  auto pair = std::make_shared<KeyPair>();
  auto all = read_certificates(certificate);
  if (all.empty()) {
    why = "the certificate is none, or is not whole; it must be in PEM form";
    return nullptr;
  }
  pair->certificate = std::move(all.front());
  pair->chain.assign(std::make_move_iterator(all.begin() + 1), std::make_move_iterator(all.end()));
  const auto bio = open_text(key);
  pair->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!pair->key) {
    why = "the key is none, is not whole, or has a password; it must be in PEM form";
    return nullptr;
  }
  const bool fits = X509_check_private_key(pair->certificate.get(), pair->key.get()) == 1;
  ERR_clear_error();
  if (!fits) {
    why = "the key does not belong to the certificate";
    return nullptr;
  }
  pair->type = EVP_PKEY_base_id(pair->key.get());
  pair->names = names_of(pair->certificate.get());
  pair->expired = X509_cmp_current_time(X509_get0_notAfter(pair->certificate.get())) < 0 ||
                  X509_cmp_current_time(X509_get0_notBefore(pair->certificate.get())) > 0;
  return pair;
}

std::filesystem::path self_signed(const std::filesystem::path& folder, const std::string& host) {
  const auto path = folder / "tls_self_signed.pem";
  std::string text, why;
  if (read_text(path.string(), text, why)) {
    const auto pair = KeyPair::read(text, text, why);
    if (pair && !pair->expired) return path;
  }
  text = make_self_signed(host);
  if (text.empty()) throw config::ConfigError("tls can't make a certificate: " + last_error());
  if (!write_secret(path, text))
    throw config::ConfigError("tls can't write " + path.string() + ": " + std::strerror(errno) +
                              "; name a certificate and its key, or a state_dir that can be written");
  return path;
}

}  // namespace sipward::tls
