#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/parser.hpp"
#include "config/placeholders.hpp"
#include "sipward/config/sipfile.hpp"

namespace sipward::config {

// Turns statements into Nodes: {$NAME}, {args[…]} and {block} are replaced, snippets and files imported. In
// one pass, so that a value is never looked at a second time.
class Expander final {
 public:
  Expander(const Environment& environment, Errors& errors)
      : environment_(environment), errors_(errors), placeholders_(environment, errors) {}

  std::vector<Node> file(const std::filesystem::path& path);
  std::vector<Node> text(std::string name, std::string text);
  // A file as it is; null, with an error, when it cannot be read.
  std::shared_ptr<const Source> source(const std::filesystem::path& path);

 private:
  struct File {
    std::shared_ptr<const Source> source;
    std::vector<Statement> statements;
    std::filesystem::path folder;
  };
  struct Snippet {
    const Statement* statement;
    const File* file;
  };
  struct Import {
    std::string key;    // (snippet), or the canonical path
    std::string shown;  // as a message names it
  };
  // What stands around the statement that is being expanded.
  struct Scope {
    const File* file = nullptr;
    std::shared_ptr<const Position> via;
    const std::vector<Arg>* args = nullptr;    // null outside of imports
    const std::vector<Node>* block = nullptr;  // likewise
    bool* block_used = nullptr;
    unsigned depth = 0;  // blocks around it
  };
  // What imports may blow up to, counted in octets that were made: those of texts, and a share for each value
  // and directive.
  static constexpr std::size_t kMaxOctets = 16U << 20;
  static constexpr std::size_t kArgCost = 128;
  static constexpr std::size_t kNodeCost = 192;
  static constexpr std::size_t kMaxImports = 32;  // within each other

  const File* add(std::string name, std::string text, std::filesystem::path folder);
  bool read(const std::filesystem::path& path, const Position& position, std::string& text);
  std::vector<Node> whole(const File* file);

  void all(const std::vector<Statement>& statements, const Scope& scope, std::vector<Node>& out);
  void one(const Statement& statement, const Scope& scope, std::vector<Node>& out);
  void defaults(Node& node);
  void copy_block(const Statement& statement, const Scope& scope, std::vector<Node>& out);
  bool copy(const Node& from, unsigned depth, std::vector<Node>& out);
  std::vector<Arg> words(const Statement& statement, const Scope& scope);

  void import(const Statement& statement, const Scope& scope, std::vector<Node>& out);
  void import_files(const std::vector<Arg>& words, Scope inner, std::vector<Node>& out);
  std::vector<Import>::const_iterator is_importing(const std::string& key) const;
  void enter(Import import, const Position& position, const std::vector<Statement>& statements,
             const Scope& scope, std::vector<Node>& out);

  // expand_text.cpp
  void word(const Arg& raw, const Scope& scope, std::vector<Arg>& out);
  bool slice(const Arg& raw, const Scope& scope, const Position& position, std::vector<Arg>& out);
  void replace(std::string_view text, const Scope& scope, const Position& position, unsigned depth,
               Expanded& out);
  void variable(std::string_view inside, const Scope& scope, const Position& position, unsigned depth,
                Expanded& out);
  void argument(std::string_view inside, const Scope& scope, const Position& position, Expanded& out);
  bool spend(std::size_t octets, const Position& position);

  const Environment& environment_;
  Errors& errors_;
  Placeholders placeholders_;
  std::deque<File> files_;  // statements are pointed at
  std::map<std::string, const File*> by_path_;
  std::map<std::string, Snippet> snippets_;
  std::vector<Import> importing_;
  std::size_t spent_ = 0;
};

}  // namespace sipward::config
