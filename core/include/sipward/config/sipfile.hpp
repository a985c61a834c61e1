#pragma once

#include <boost/json/fwd.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sipward/config/errors.hpp"
#include "sipward/config/node.hpp"
#include "sipward/config/scalars.hpp"

namespace sipward::config {

// All that loading may learn about the outside; nothing reads an environment variable or a file behind its
// back.
struct Environment {
  std::function<std::optional<std::string>(const std::string& name)> variable;  // empty function: none is set
  std::string hostname = {};                                                    // for {system.hostname}
  // False for what came by the API: it may import no file (snippets work either way), read none by {file.…},
  // and name no modules_path.
  bool import_files = true;
};
Environment process_environment();

struct Listener {
  ListenAddress address;
  Position position;
};

// @name: the matchers of one set, which are ANDed in this order.
struct MatcherSet {
  std::string name;  // without the @
  std::vector<Node> matchers;
  Position position;
};

struct RouteNode {
  std::vector<std::string> match;  // names of sets of the same server, ORed; empty: everything
  std::vector<Node> handlers;
  Position position;
};

struct ServerNode {
  std::vector<Listener> listen;
  std::vector<MatcherSet> matchers;
  std::vector<RouteNode> routes;
  std::chrono::milliseconds matching_timeout{std::chrono::seconds(3)};
  std::chrono::milliseconds idle_timeout{std::chrono::minutes(5)};
  Position position;
};

struct SiteNode {
  std::vector<Listener> listen;
  std::vector<Node> children;  // handle, handle_path, basic_auth …
  Position position;
};

struct LogOptions {
  enum class Level : std::uint8_t { debug, info, warn, error };
  enum class Format : std::uint8_t { console, json };
  Level level = Level::info;
  Format format = Format::console;
  std::string file;  // empty: standard error
  std::uint64_t roll_size = 100ULL * 1024 * 1024;
  unsigned roll_keep = 10;
};

struct GlobalOptions {
  std::optional<ListenAddress> admin;  // nullopt: off. 127.0.0.1:2019 when absent.
  std::vector<std::string> modules_path;
  std::string state_dir;            // empty: chosen at the start
  unsigned workers = 0;             // 0: one per core
  std::vector<Endpoint> resolvers;  // empty: the system's
  std::chrono::milliseconds grace_period{std::chrono::seconds(30)};
  std::string tls_certificate;  // both empty: a self-signed one
  std::string tls_key;
  LogOptions log;
};

struct Sipfile {
  Node global;  // the global options as they stand, without layer4; named "global"
  GlobalOptions options;
  std::vector<ServerNode> servers;  // those of layer4 first, then those at top level
  std::vector<SiteNode> sites;
};

// Lexes, parses, imports and checks the shape in one pass: all errors of all files are in `errors`, and what
// is returned is as whole as they allow; use it for further checks, run it only when errors.ok(). What
// handlers and matchers mean is theirs to say. A file that cannot be read is an error like any other.
// A file whose name ends in .json holds the canonical JSON.
Sipfile load_file(const std::filesystem::path& path, const Environment& environment, Errors& errors);
Sipfile load_text(std::string file, std::string text, const Environment& environment, Errors& errors);

// The same from the canonical JSON, as to_json() prints it. Strict: an unknown key, a key given twice, a
// number where a duration belongs are errors with their line and column. {$NAME} and import are of Sipfiles
// only. Bounded in size, depth and the number of values, whoever sent it.
Sipfile load_json(std::string file, std::string text, const Environment& environment, Errors& errors);

// The canonical JSON. Directives that a Reader has read are printed by their Record, others as written.
boost::json::object to_json(const Sipfile& sipfile);

// Only the lexer, the parser and imports: the statements of a text as Nodes, for tests and for handlers' own
// tests.
std::vector<Node> parse_text(std::string file, std::string text, const Environment& environment,
                             Errors& errors);

}  // namespace sipward::config
