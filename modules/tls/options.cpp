#include "options.hpp"

#include <string_view>

#include "server_name.hpp"

namespace sipward::tls {
namespace {

constexpr std::size_t kMaxProtocolName = 255;  // RFC 7301 3.1

bool keep(const config::Arg& arg, std::vector<std::string>& list) {
  list.push_back(arg.text);
  return true;
}

void read_alpn(config::Reader& r, std::vector<std::string>& out) {
  r.values("alpn", "names of application protocols such as sip", [&](const config::Arg& arg) {
    return !arg.text.empty() && arg.text.size() <= kMaxProtocolName && keep(arg, out);
  });
}

void read_client_auth(config::Reader& r, HandlerOptions& o) {
  o.client_auth = ClientAuth::require_and_verify;
  r.one_of<ClientAuth>("mode", o.client_auth,
                       {{"request", ClientAuth::request},
                        {"require", ClientAuth::require},
                        {"verify_if_given", ClientAuth::verify_if_given},
                        {"require_and_verify", ClientAuth::require_and_verify}});
  r.blocks("trust_pool", [&](config::Reader& pool) {
    std::string kind, file;
    pool.text("kind", kind, config::Place::argument);
    pool.text("path", file, config::Place::argument);
    if (kind != "file" || file.empty())
      return pool.error("kind", "trust_pool wants the word file and a path");
    o.trust_pool.push_back(file);
  });
  const bool verifies =
      o.client_auth == ClientAuth::require_and_verify || o.client_auth == ClientAuth::verify_if_given;
  if (verifies && o.trust_pool.empty()) {
    r.error("mode", "client certificates can't be verified without a trust_pool");
  }
}

}  // namespace

HandlerOptions read_handler(const config::Node& node, config::Errors& errors) {
  HandlerOptions o;
  config::Reader r(node, errors);
  // `tls CERT KEY` among the arguments, one of each; in the block as many pairs as there are names to serve.
  if (!node.args.empty() && node.args[0].text.find('=') == std::string::npos) {
    if (const auto* arg = r.take_arg()) o.certificates.push_back(arg->text);
    if (const auto* arg = r.take_arg()) o.keys.push_back(arg->text);
  }
  r.values("certificate", "a PEM file", [&](const config::Arg& arg) { return keep(arg, o.certificates); });
  r.values("key", "a PEM file", [&](const config::Arg& arg) { return keep(arg, o.keys); });
  r.values("protocols", "tls1.2 or tls1.3", [&](const config::Arg& arg) {
    if (arg.text != "tls1.2" && arg.text != "tls1.3") return false;
    o.protocols.push_back(arg.text == "tls1.2" ? Version::tls1_2 : Version::tls1_3);
    return true;
  });
  if (o.protocols.size() > 2 || (o.protocols.size() == 2 && o.protocols[0] > o.protocols[1]))
    r.error("protocols", "protocols wants the lowest version and, if it must be, the highest");
  r.values("ciphers", "OpenSSL's names of cipher suites", [&](const config::Arg& arg) {
    return !arg.text.empty() && arg.text.find(':') == std::string::npos && keep(arg, o.ciphers);
  });
  r.block("client_auth", [&](config::Reader& b) { read_client_auth(b, o); });
  read_alpn(r, o.alpn);
  r.number("max_handshakes", o.max_handshakes, 1, 1'000'000);
  r.number("max_handshakes_per_source", o.max_handshakes_per_source, 1, 1'000'000);
  r.finish();
  if (o.certificates.size() != o.keys.size()) {
    errors.add(node.position, "tls wants a key for each certificate; it has " +
                                  std::to_string(o.certificates.size()) + " and " +
                                  std::to_string(o.keys.size()));
  }
  return o;
}

MatcherOptions read_matcher(const config::Node& node, config::Errors& errors) {
  constexpr std::string_view kWantsName = "host names such as sip.example.com or *.example.com";
  MatcherOptions o;
  config::Reader r(node, errors);
  const auto sni = [&](const config::Arg& arg) { return is_server_name(arg.text) && keep(arg, o.sni); };
  r.values("sni", kWantsName, sni, config::Place::word);
  r.values(
      "alpn", "names of application protocols such as sip",
      [&](const config::Arg& arg) {
        return !arg.text.empty() && arg.text.size() <= kMaxProtocolName && keep(arg, o.alpn);
      },
      config::Place::word);
  r.finish();
  return o;
}

}  // namespace sipward::tls
