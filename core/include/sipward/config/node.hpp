#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sipward::config {

class Record;

// A loaded text. Positions share it, so that an error can show its line long after parsing.
struct Source {
  std::string file;
  std::string text;
  unsigned number = 0;  // the order of loading, which is the order of reporting
};

// Where something stands. A cheap value; empty (no source) for what came from no text.
struct Position {
  std::shared_ptr<const Source> source;
  std::shared_ptr<const Position> via;  // the import that brought it here, and so on outwards
  unsigned line = 0;                    // from 1
  unsigned column = 0;                  // from 1, in characters, not octets

  std::string to_string() const;  // FILE:LINE:COLUMN
  // The place count characters further on the same line.
  Position after(unsigned count) const;
};

// What a value was in a JSON document; `none` in a Sipfile, where everything is text.
enum class JsonKind : std::uint8_t { none, string, number, flag };

// One value as it was written, with quotes, heredoc, {$NAME} and the placeholders of load time resolved.
struct Arg {
  std::string text;
  Position position;
  bool quoted = false;
  JsonKind json = JsonKind::none;
  bool per_connection = false;  // holds a placeholder such as {l4.conn.remote_addr}, which stays in the text
  std::string written = {};     // with its placeholders, which is what the canonical JSON shows; empty: none
};

std::shared_ptr<Record> make_record();

// A directive: `name args { children }`. A Sipfile and a JSON document both become these.
// A copy shares the record of its original; whoever needs two records makes a second one.
struct Node {
  std::string name;
  std::vector<Arg> args;
  bool has_block = false;
  std::vector<Node> children;
  Position position;
  std::shared_ptr<Record> record = make_record();  // what a Reader read here
};

// Text fit for one line of a message: in single quotes, shortened, control characters replaced.
std::string quote(std::string_view text);

}  // namespace sipward::config
