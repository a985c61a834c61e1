#include "config/globals.hpp"

#include "sipward/config/reader.hpp"

namespace sipward::config {
namespace {

void read_log(Reader& r, LogOptions& log) {
  using Level = LogOptions::Level;
  using Format = LogOptions::Format;
  r.one_of("level", log.level,
           {{"INFO", Level::info}, {"DEBUG", Level::debug}, {"WARN", Level::warn}, {"ERROR", Level::error}});
  r.one_of("format", log.format, {{"console", Format::console}, {"json", Format::json}});
  r.block("output", [&](Reader& output) {
    bool to_file = false;
    output.one_of("to", to_file, {{"stderr", false}, {"file", true}}, Place::argument);
    output.text("path", log.file, Place::argument);
    output.size("roll_size", log.roll_size, Place::option, 1024);
    output.number("roll_keep", log.roll_keep, 0, 10'000);
    if (to_file && log.file.empty()) output.error("to", "output file wants a path");
    if (!to_file && !log.file.empty()) output.error("path", "only 'output file' takes a path");
  });
}

bool read_resolver(const Arg& arg, std::vector<Endpoint>& resolvers) {
  constexpr Port kDns = 53;
  if (const auto endpoint = Endpoint::parse(arg.text)) {
    resolvers.push_back(*endpoint);
  } else if (const auto address = Address::parse(arg.text)) {
    resolvers.push_back({*address, kDns});
  } else {
    return false;
  }
  return true;
}

}  // namespace

GlobalOptions read_globals(const Node& node, Errors& errors) {
  GlobalOptions options;
  options.admin = parse_listen("127.0.0.1:2019");
  Reader r(node, errors);
  r.value("admin", "an address such as 127.0.0.1:2019, or off", [&](const Arg& arg) {
    if (arg.text == "off") {
      options.admin.reset();
      return true;
    }
    auto address = parse_listen(arg.text);
    if (!address || address->transport || address->first != address->last) return false;
    options.admin = std::move(address);
    return true;
  });
  r.texts("modules_path", options.modules_path);
  r.text("state_dir", options.state_dir);
  r.number("workers", options.workers, 1, 1024);
  r.values("resolvers", "an address such as 192.0.2.53 or 192.0.2.53:53",
           [&](const Arg& arg) { return read_resolver(arg, options.resolvers); });
  r.duration("grace_period", options.grace_period, Place::option, std::chrono::milliseconds(0));
  r.block("tls", [&](Reader& tls) {
    tls.text("certificate", options.tls_certificate, Place::argument);
    tls.text("key", options.tls_key, Place::argument);
    if (tls.given("certificate") != tls.given("key"))
      tls.error("certificate", "tls wants a certificate and its key");
  });
  r.block("log", [&](Reader& log) { read_log(log, options.log); });
  r.finish();
  return options;
}

}  // namespace sipward::config
