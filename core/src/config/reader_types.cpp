#include <algorithm>
#include <boost/json.hpp>

#include "sipward/config/reader.hpp"

// The types that a Reader knows; how an option is found and reported is in reader.cpp.
namespace sipward::config {
namespace {

namespace json = boost::json;

std::string alternatives(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

template <class T, class Print>
json::value default_list(const std::vector<T>& list, Print print) {
  if (list.empty()) return nullptr;
  json::array result;
  for (const auto& entry : list) result.emplace_back(print(entry));
  return result;
}

}  // namespace

bool Reader::integer(std::string_view name, std::int64_t& out, std::int64_t min, std::int64_t max,
                     Place place) {
  const auto range = std::to_string(min) + " to " + std::to_string(max);
  return read(name, {"number", "a number from " + range, range}, out, place,
              [&](const Arg& arg) -> json::value {
                const auto value = parse_number(arg.text);
                if (!value || *value < min || *value > max) return nullptr;
                return out = *value;
              });
}

bool Reader::duration(std::string_view name, std::chrono::milliseconds& out, Place place,
                      std::chrono::milliseconds min, std::chrono::milliseconds max) {
  Type type{"duration", "a duration such as 10m", {}};
  if (min.count() > 1 || max < kMaxDuration) {
    type.detail = format_duration(min) + " to " + format_duration(max);
    type.wants = "a duration from " + type.detail;
  }
  return read(name, type, json::value(format_duration(out)), place, [&](const Arg& arg) -> json::value {
    const auto value = parse_duration(arg.text);
    if (!value || *value < min || *value > max) return nullptr;
    out = *value;
    return json::value(format_duration(out));
  });
}

bool Reader::size(std::string_view name, std::uint64_t& out, Place place, std::uint64_t min,
                  std::uint64_t max) {
  Type type{"size", "a size such as 64KiB", {}};
  if (min > 0 || max < static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    type.detail = format_size(min) + " to " + format_size(max);
    type.wants = "a size from " + type.detail;
  }
  return read(name, type, json::value(format_size(out)), place, [&](const Arg& arg) -> json::value {
    const auto value = parse_size(arg.text);
    if (!value || *value < min || *value > max) return nullptr;
    out = *value;
    return json::value(format_size(out));
  });
}

bool Reader::rate(std::string_view name, Rate& out, Place place) {
  const Type type{"rate", "a rate such as 10/s burst 20", {}, Arity::joined, {}};
  auto fallback = out.count > 0 ? json::value(format_rate(out)) : json::value();
  return read(name, type, std::move(fallback), place, [&](const Arg& arg) -> json::value {
    const auto value = parse_rate(arg.text);
    if (!value) return nullptr;
    out = *value;
    return json::value(format_rate(out));
  });
}

bool Reader::flag(std::string_view name, bool& out, Place place) {
  const Type type{"flag", "on or off", {}, Arity::flag, {}};
  return read(name, type, out, place, [&](const Arg& arg) -> json::value {
    const auto value = parse_flag(arg.text);
    if (!value) return nullptr;
    return out = *value;
  });
}

bool Reader::text(std::string_view name, std::string& out, Place place) {
  auto fallback = out.empty() ? json::value() : json::value(out);
  return read(name, {"text", "a value", {}}, std::move(fallback), place, [&](const Arg& arg) {
    out = arg.text;
    return json::value(out);
  });
}

bool Reader::upstream(std::string_view name, UpstreamAddress& out, Place place) {
  const Type type{"address", "an address such as udp/192.0.2.10:5060", {}};
  return read(name, type, nullptr, place, [&](const Arg& arg) -> json::value {
    auto value = parse_upstream(arg.text);
    if (!value) return nullptr;
    out = std::move(*value);
    return json::value(out.to_string());
  });
}

bool Reader::word(std::string_view name, std::size_t& index, std::span<const std::string_view> words,
                  Place place) {
  const auto list = alternatives(words);
  auto fallback = index < words.size() ? json::value(words[index]) : json::value();
  return read(name, {"word", list, list, Arity::one, words}, std::move(fallback), place,
              [&](const Arg& arg) -> json::value {
                const auto found = std::find(words.begin(), words.end(), arg.text);
                if (found == words.end()) return nullptr;
                index = static_cast<std::size_t>(found - words.begin());
                return json::value(*found);
              });
}

bool Reader::texts(std::string_view name, std::vector<std::string>& out, Place place) {
  const Type type{"texts", "at least one value", {}, Arity::list, {}};
  return read(name, type, default_list(out, [](const std::string& s) { return json::value(s); }), place,
              [&](const Arg& arg) {
                out.push_back(arg.text);
                return json::value(arg.text);
              });
}

bool Reader::words(std::string_view name, std::vector<std::string>& out,
                   std::span<const std::string_view> allowed, Place place) {
  const auto list = alternatives(allowed);
  return read(name, {"words", list, list, Arity::list, allowed},
              default_list(out, [](const std::string& s) { return json::value(s); }), place,
              [&](const Arg& arg) -> json::value {
                if (std::find(allowed.begin(), allowed.end(), arg.text) == allowed.end()) return nullptr;
                out.push_back(arg.text);
                return json::value(arg.text);
              });
}

bool Reader::cidrs(std::string_view name, std::vector<Cidr>& out, Place place) {
  const Type type{"networks", "an address or network such as 10.0.0.0/8", {}, Arity::list, {}};
  return read(name, type, default_list(out, [](const Cidr& c) { return json::value(c.to_string()); }), place,
              [&](const Arg& arg) -> json::value {
                const auto value = Cidr::parse(arg.text);
                if (!value) return nullptr;
                out.push_back(*value);
                return json::value(value->to_string());
              });
}

bool Reader::upstreams(std::string_view name, std::vector<UpstreamAddress>& out, Place place) {
  const Type type{"addresses", "an address such as udp/192.0.2.10:5060", {}, Arity::list, {}};
  return read(name, type,
              default_list(out, [](const UpstreamAddress& a) { return json::value(a.to_string()); }), place,
              [&](const Arg& arg) -> json::value {
                auto value = parse_upstream(arg.text);
                if (!value) return nullptr;
                out.push_back(std::move(*value));
                return json::value(out.back().to_string());
              });
}

bool Reader::value(std::string_view name, std::string_view wants, const Parse& parse, Place place) {
  return read(name, {"text", std::string(wants), std::string(wants)}, nullptr, place,
              [&](const Arg& arg) { return parse(arg) ? json::value(arg.text) : json::value(); });
}

bool Reader::values(std::string_view name, std::string_view wants, const Parse& parse, Place place) {
  return read(name, {"texts", std::string(wants), std::string(wants), Arity::list, {}}, nullptr, place,
              [&](const Arg& arg) { return parse(arg) ? json::value(arg.text) : json::value(); });
}

}  // namespace sipward::config
