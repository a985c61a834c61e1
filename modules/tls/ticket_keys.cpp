#include "ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

namespace sipward::tls {

std::shared_ptr<TicketKeys> TicketKeys::get(Services& services, const Clock& clock) {
  return services.find_or_make<TicketKeys>("tls/ticket_keys",
                                           [&] { return std::make_shared<TicketKeys>(clock); });
}

bool TicketKeys::rotate(Time now) {
  std::erase_if(keys_, [&](const Key& key) { return now - key.made >= 2 * kSeals; });
  if (!keys_.empty() && now - keys_.front().made < kSeals) return true;
  Key fresh{};
  fresh.made = now;
  if (RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) != 1 ||
      RAND_priv_bytes(fresh.cipher.data(), static_cast<int>(fresh.cipher.size())) != 1 ||
      RAND_priv_bytes(fresh.mac.data(), static_cast<int>(fresh.mac.size())) != 1)
    return false;
  keys_.insert(keys_.begin(), fresh);
  return true;
}

int TicketKeys::use(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                    bool seal) {
  constexpr int kFailed = -1, kUnknown = 0, kDone = 1, kRenew = 2;
  const std::lock_guard lock(mutex_);
  if (!rotate(clock_.now())) return kFailed;
  auto key = keys_.begin();
  if (seal) {
    std::copy(key->name.begin(), key->name.end(), name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return kFailed;
  } else {
    key = std::find_if(keys_.begin(), keys_.end(),
                       [&](const Key& one) { return std::equal(one.name.begin(), one.name.end(), name); });
    if (key == keys_.end()) return kUnknown;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM how[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac.data(), key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  const auto* const data = key->cipher.data();
  const bool ready = (seal ? EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, data, iv)
                           : EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, data, iv)) == 1 &&
                     EVP_MAC_CTX_set_params(mac, how) == 1;
  if (!ready) return kFailed;
  return seal || key == keys_.begin() ? kDone : kRenew;
}

}  // namespace sipward::tls
