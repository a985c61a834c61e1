#include "options.hpp"

#include <algorithm>

namespace sipward::websocket {
namespace {

// SCHEME://HOST or SCHEME://HOST:PORT, in lower case as browsers send it (RFC 6454 6.2).
bool is_origin(const std::string& text) {
  const auto mark = text.find("://");
  if (mark == std::string::npos || mark == 0 || text.size() == mark + 3) return false;
  return std::none_of(text.begin(), text.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c <= ' '; }) &&
         text.find('/', mark + 3) == std::string::npos;
}

}  // namespace

Options read_options(const config::Node& node, config::Errors& errors) {
  Options o;
  config::Reader r(node, errors);
  r.values("origins", "origins such as https://phone.example.com", [&](const config::Arg& arg) {
    o.origins.push_back(arg.text);
    return is_origin(arg.text);
  });
  r.size("max_message_size", o.max_message_size, config::Place::option, 512, 1 << 20);
  r.size("max_header_size", o.max_header_size, config::Place::option, 512, 64 << 10);
  r.number("max_fragments", o.max_fragments, 1, 1024);
  r.finish();
  return o;
}

}  // namespace sipward::websocket
