#include <array>
#include <cstdint>
#include <string>

#include "check.hpp"
#include "sipward/sip/uri.hpp"

using namespace sipward;
using namespace sipward::fuzz;

namespace {

std::string write(const sip::Uri& u) {
  std::string text(u.scheme_text);
  text += ':';
  if (u.scheme != sip::Scheme::sip && u.scheme != sip::Scheme::sips) {
    text.append(u.scheme == sip::Scheme::tel ? u.user : u.opaque);
  } else {
    text.append(u.user);
    if (u.password.data() != nullptr) text.append(":").append(u.password);
    if (u.has_user) text += '@';
    text.append(u.host);
    if (u.port != 0) text.append(":").append(std::to_string(u.port));
  }
  if (u.params.data() != nullptr) text.append(";").append(u.params);
  if (u.headers.data() != nullptr) text.append("?").append(u.headers);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const sip::Uri uri = sip::parse_uri(text);
  std::array<char, 64> buffer{};
  (void)sip::normalise_user(uri.user, buffer, uri.scheme);
  (void)sip::uri_param(uri, "transport");
  (void)sip::is_emergency(uri);
  require(sip::equivalent(uri, uri));
  if (uri.ok) {
    const std::string once = write(uri);
    const sip::Uri again = sip::parse_uri(once);
    require(again.ok && write(again) == once && sip::equivalent(uri, again));
  }
  return 0;
}
