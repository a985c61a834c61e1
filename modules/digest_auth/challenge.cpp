#include "challenge.hpp"

namespace sipward::digest_auth {

void append_challenge(Role role, const Challenge& challenge, const std::vector<Algorithm>& algorithms,
                      std::string& out) {
  for (const auto algorithm : algorithms) {
    out += role == Role::server ? "WWW-Authenticate" : "Proxy-Authenticate";
    out.append(": Digest realm=\"").append(challenge.realm);
    out.append("\", nonce=\"").append(challenge.nonce);
    out.append("\", algorithm=").append(to_string(algorithm));
    out += challenge.auth_int ? ", qop=\"auth,auth-int\"" : ", qop=\"auth\"";
    if (challenge.stale) out += ", stale=true";
    out += "\r\n";
  }
}

}  // namespace sipward::digest_auth
