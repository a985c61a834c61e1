#include "cli/json_text.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace sipward::cli {
namespace {

void write(const boost::json::value& value, std::size_t depth, std::string& out) {
  const auto line = [&](std::size_t d) { out.append("\n").append(2 * d, ' '); };
  if (const auto* object = value.if_object(); object && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : *object) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      out += boost::json::serialize(boost::json::string(key)) + ": ";
      write(member, depth + 1, out);
    }
    line(depth);
    out += '}';
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    out += '[';
    bool first = true;
    for (const auto& member : *array) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      write(member, depth + 1, out);
    }
    line(depth);
    out += ']';
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

std::string pretty(const boost::json::value& value) {
  std::string out;
  write(value, 0, out);
  out += '\n';
  return out;
}

}  // namespace sipward::cli
