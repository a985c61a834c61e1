#pragma once

#include <string>
#include <string_view>

namespace sipward::tls {

// A host name, or *.example.com: a wildcard is a whole label and the first one (RFC 6125 6.4.3).
bool is_server_name(std::string_view name);
std::string lower_case(std::string_view name);
// Whether `pattern`, which may have a wildcard, is for `name`; both in lower case. The wildcard stands for
// one label.
bool covers(std::string_view pattern, std::string_view name);
// *.example.com for sip.example.com; empty when nothing would be left.
std::string wildcard_of(std::string_view name);

}  // namespace sipward::tls
