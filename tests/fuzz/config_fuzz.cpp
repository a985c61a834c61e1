#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/format.hpp"
#include "sipward/config.hpp"

// Any text may be posted as a configuration, as a Sipfile or as JSON: it must load or fail with messages,
// within bounds. What loads is printed as JSON that loads to the same; what parses is formatted to a text
// that says the same. The scalars are tried on the same text; what one accepts must survive being printed and
// read again.

namespace {

namespace config = sipward::config;

void must(bool condition) {
  if (!condition) std::abort();
}

void scalars(std::string_view text) {
  if (const auto duration = config::parse_duration(text))
    must(config::parse_duration(config::format_duration(*duration)) == duration);
  if (const auto size = config::parse_size(text))
    must(config::parse_size(config::format_size(*size)) == size);
  if (const auto rate = config::parse_rate(text))
    must(config::parse_rate(config::format_rate(*rate)) == rate);
  if (const auto address = config::parse_listen(text))
    must(config::parse_listen(address->to_string()) == address);
  if (const auto address = config::parse_upstream(text))
    must(config::parse_upstream(address->to_string()) == address);
  if (const auto cidr = sipward::Cidr::parse(text)) must(sipward::Cidr::parse(cidr->to_string()) == cidr);
  if (const auto endpoint = sipward::Endpoint::parse(text))
    must(sipward::Endpoint::parse(endpoint->to_string()) == endpoint);
}

void read(const config::Node& node, config::Errors& errors) {
  std::string text;
  std::uint32_t number = 0;
  std::chrono::milliseconds duration{1};
  bool flag = false;
  config::Rate rate;
  std::vector<sipward::Cidr> cidrs;
  config::Reader r(node, errors);
  r.duration("max", duration, config::Place::word);
  r.rate("any", rate, config::Place::word);
  r.number("max_failures", number, 1, 10);
  r.flag("enabled", flag, config::Place::argument);
  r.text("name", text, config::Place::argument);
  r.cidrs("whitelist", cidrs, config::Place::argument);
  r.blocks("block", [&](config::Reader& b) { b.rate("any", rate); });
  r.rest([&](const config::Node& child) { read(child, errors); });
  r.finish();
}

void read_all(const config::Sipfile& sipfile, config::Errors& errors) {
  for (const auto& server : sipfile.servers)
    for (const auto& route : server.routes)
      for (const auto& handler : route.handlers) read(handler, errors);
}

// JSON is its own canonical form: what was printed of it once is printed of it for ever.
void json(const std::string& text, const config::Environment& environment) {
  config::Errors errors;
  const auto sipfile = config::load_json("fuzz", text, environment, errors);
  const auto printed = boost::json::serialize(config::to_json(sipfile));
  if (errors.ok()) {
    config::Errors again;
    const auto reloaded = config::load_json("again", printed, environment, again);
    must(again.ok());
    must(boost::json::serialize(config::to_json(reloaded)) == printed);
  }
  read_all(sipfile, errors);
  (void)boost::json::serialize(config::to_json(sipfile));
  (void)errors.to_string();
}

void formatted(const std::string& text) {
  config::Errors errors;
  const auto once = config::format("fuzz", text, errors);
  must(errors.to_string().find("formatting would change") == std::string::npos);
  if (errors.ok()) must(config::format("fuzz", once, errors) == once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  scalars(text);
  config::Environment environment;
  environment.import_files = false;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name.size() % 2 == 0) return std::nullopt;
    return "{ } \n" + name;
  };
  json(text, environment);
  formatted(text);
  config::Errors errors;
  const auto sipfile = config::load_text("fuzz", text, environment, errors);
  read_all(sipfile, errors);
  (void)boost::json::serialize(config::to_json(sipfile));
  (void)boost::json::serialize(errors.to_json());
  (void)errors.to_string();
  return 0;
}
