#include "config/placeholders.hpp"

#include <algorithm>
#include <array>

#include "config/read_file.hpp"
#include "config/utf8.hpp"

namespace sipward::config {
namespace {

constexpr std::string_view kEnv = "{env.";
constexpr std::string_view kFile = "{file.";
constexpr std::string_view kHostname = "{system.hostname}";
constexpr std::array<std::string_view, 4> kPerConnection = {"{l4.conn.remote_addr}", "{l4.conn.local_addr}",
                                                            "{l4.tls.server_name}", "{sip.auth_user}"};

constexpr bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

constexpr bool is_name(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

std::string_view inside(std::string_view text, std::string_view prefix) {
  return text.substr(prefix.size(), text.size() - prefix.size() - 1);
}

std::string known() {
  std::string text = "{env.NAME}, {file./PATH}, " + std::string(kHostname);
  for (const auto name : kPerConnection) text += ", " + std::string(name);
  return text;
}

std::string meant(std::string_view text) {
  std::vector<std::string> names{std::string(kHostname)};
  names.insert(names.end(), kPerConnection.begin(), kPerConnection.end());
  return closest(text, names);
}

}  // namespace

void Expanded::literal(std::string_view both) {
  text += both;
  written += both;
}

void Expanded::value(std::string_view text_only) {
  for (std::size_t i = 0; i < text_only.size(); ++i) {
    if (text_only[i] == '{' && i + 1 < text_only.size() && is_letter(text_only[i + 1])) {
      written += '\\';
      differs = true;
    }
    written += text_only[i];
  }
  text += text_only;
}

void Expanded::argument(const Arg& arg) {
  text += arg.text;
  written += arg.written.empty() ? arg.text : arg.written;
  differs = differs || !arg.written.empty();
  per_connection = per_connection || arg.per_connection;
}

void Expanded::into(Arg& arg) && {
  arg.text = std::move(text);
  if (differs) arg.written = std::move(written);
  arg.per_connection = per_connection;
}

// The length of the placeholder at the front of `text`, or 0.
std::size_t Placeholders::length(std::string_view text, const Position& position) {
  if (text.size() < 2 || !is_letter(text[1])) return 0;
  const auto end = std::find_if_not(text.begin() + 1, text.end(), is_name);
  if (end == text.end() || (*end != '.' && *end != '}')) return 0;
  if (*end == '}') return static_cast<std::size_t>(end - text.begin()) + 1;
  const auto close = text.find_first_of("{}\n", 1);
  if (close != std::string_view::npos && text[close] == '}') return close + 1;
  errors_.add(position, "the placeholder " + quote(text.substr(0, text.find_first_of(" \t\n"))) +
                            " lacks its '}'; a literal brace is written \\{");
  return 0;
}

void Placeholders::resolve(std::string_view text, const Position& position, Expanded& out) {
  out.written += text;
  out.differs = true;
  if (text.starts_with(kEnv)) {
    out.text += environment(inside(text, kEnv), position);
  } else if (text.starts_with(kFile)) {
    out.text += file(inside(text, kFile), position);
  } else if (text == kHostname) {
    out.text += environment_.hostname;
  } else if (std::find(kPerConnection.begin(), kPerConnection.end(), text) != kPerConnection.end()) {
    out.text += text;
    out.per_connection = true;
  } else {
    errors_.add(position,
                "unknown placeholder " + quote(text) + "; there are " + known() +
                    ", and a literal brace is written \\{",
                meant(text));
  }
}

void Placeholders::take(std::string_view& text, const Position& position, Expanded& out) {
  const bool escaped = out.written.ends_with('\\') && out.text.ends_with('\\');
  if (escaped && text.size() > 1 && is_letter(text[1])) {
    out.text.pop_back();
    out.differs = true;
    out.literal(text.substr(0, 1));
    return text.remove_prefix(1);
  }
  const auto size = length(text, position);
  if (size > 0) {
    resolve(text.substr(0, size), position, out);
  } else {
    out.literal(text.substr(0, 1));
  }
  text.remove_prefix(std::max<std::size_t>(size, 1));
}

void Placeholders::all(Arg& arg) {
  Expanded out;
  std::string_view text = arg.text;
  while (!text.empty()) {
    const auto brace = std::min(text.find('{'), text.size());
    out.literal(text.substr(0, brace));
    text.remove_prefix(brace);
    if (!text.empty()) take(text, arg.position, out);
  }
  std::move(out).into(arg);
}

std::string Placeholders::environment(std::string_view name, const Position& position) {
  const auto value = environment_.variable ? environment_.variable(std::string(name)) : std::nullopt;
  if (!value) errors_.warn(position, not_set(name, "{$" + std::string(name) + ":DEFAULT} in a Sipfile"));
  return value.value_or("");
}

std::string Placeholders::file(std::string_view path, const Position& position) {
  constexpr std::size_t kMaxValue = 64U << 10;
  const auto fail = [&](const std::string& why) {
    errors_.add(position, why);
    return std::string();
  };
  if (!environment_.import_files)
    return fail("what comes by the API may read no file, as " + quote("{file." + std::string(path) + "}") +
                " would");
  if (!path.starts_with('/'))
    return fail("{file.PATH} wants a whole path such as {file./etc/sipward/secret}");
  std::error_code error;
  std::string text;
  const auto problem = std::filesystem::is_regular_file(path, error) || std::filesystem::is_directory(path)
                           ? read_file(path, kMaxValue, text)
                           : (error ? error.message() : "it is no regular file");
  if (!problem.empty()) return fail("cannot read " + quote(path) + ": " + problem);
  if (first_bad_octet(text) != std::string_view::npos) return fail(quote(path) + " is not UTF-8 text");
  // The line end that every editor and echo leaves is not part of a secret.
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::string not_set(std::string_view name, std::string_view how_to_default) {
  return "environment variable " + std::string(name) + " is not set, so its value is empty; " +
         std::string(how_to_default) + " gives it one";
}

}  // namespace sipward::config
