#include "config/expand.hpp"

#include <glob.h>

#include <algorithm>

#include "config/read_file.hpp"

namespace sipward::config {
namespace {

namespace fs = std::filesystem;

bool is_snippet(std::string_view name) {
  return name.size() > 2 && name.front() == '(' && name.back() == ')';
}

bool is_glob(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

// The folder of a file is a name, not a pattern, even if it has a star in it.
std::string escaped(const std::string& text) {
  std::string result;
  for (char c : text) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::vector<fs::path> matching(const std::string& pattern) {
  glob_t found{};
  std::vector<fs::path> result;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      std::error_code error;
      if (fs::is_regular_file(found.gl_pathv[i], error)) result.emplace_back(found.gl_pathv[i]);
    }
  }
  globfree(&found);
  return result;
}

}  // namespace

std::vector<Node> Expander::text(std::string name, std::string text) {
  const auto folder = fs::path(name).parent_path();
  return whole(add(std::move(name), std::move(text), folder));
}

std::shared_ptr<const Source> Expander::source(const fs::path& path) {
  Source source{path.string(), {}, 0};
  Position position;
  position.source = std::make_shared<Source>(source);
  if (!read(path, position, source.text)) return nullptr;
  return std::make_shared<Source>(std::move(source));
}

std::vector<Node> Expander::file(const fs::path& path) {
  const auto found = source(path);
  if (!found) return {};
  std::error_code error;
  importing_.push_back({fs::weakly_canonical(path, error).string(), path.string()});
  return whole(add(path.string(), found->text, path.parent_path()));
}

std::vector<Node> Expander::whole(const File* file) {
  std::vector<Node> nodes;
  Scope scope;
  scope.file = file;
  all(file->statements, scope, nodes);
  return nodes;
}

bool Expander::read(const fs::path& path, const Position& position, std::string& text) {
  const auto problem = read_file(path, kMaxFileSize, text);
  if (!problem.empty()) errors_.add(position, "cannot read " + quote(path.string()) + ": " + problem);
  return problem.empty();
}

const Expander::File* Expander::add(std::string name, std::string text, fs::path folder) {
  if (text.starts_with("\xEF\xBB\xBF"))
    text.erase(0, 3);  // a byte order mark is no character of the first line
  const auto number = static_cast<unsigned>(files_.size());
  auto source = std::make_shared<Source>(Source{std::move(name), std::move(text), number});
  auto& file = files_.emplace_back(File{source, parse(source, errors_), std::move(folder)});
  for (const auto& statement : file.statements) {
    if (statement.words.empty() || !is_snippet(statement.words.front().text)) continue;
    const auto& word = statement.words.front();
    if (statement.words.size() > 1)
      errors_.add(statement.words[1].position,
                  "a snippet takes no arguments where it is defined; use {args[0]} in it");
    if (!statement.has_block) errors_.add(word.position, "snippet " + quote(word.text) + " has no block");
    const auto [found, added] =
        snippets_.try_emplace(word.text.substr(1, word.text.size() - 2), Snippet{&statement, &file});
    if (!added)
      errors_.add(word.position, "snippet " + quote(word.text) + " is defined already at " +
                                     found->second.statement->position.to_string());
  }
  return &file;
}

void Expander::all(const std::vector<Statement>& statements, const Scope& scope, std::vector<Node>& out) {
  for (const auto& statement : statements) {
    if (spent_ > kMaxOctets) return;
    one(statement, scope, out);
  }
}

void Expander::one(const Statement& statement, const Scope& scope, std::vector<Node>& out) {
  const std::string_view name = statement.words.empty() ? std::string_view() : statement.words.front().text;
  if (name == "import") return import(statement, scope, out);
  if (name == "{block}") return copy_block(statement, scope, out);
  Position position = statement.position;
  position.via = scope.via;
  if (is_snippet(name)) {
    if (scope.depth > 0) errors_.add(position, "a snippet is defined at top level, not inside a block");
    return;
  }

  Node node;
  node.position = position;
  node.has_block = statement.has_block;
  auto expanded = words(statement, scope);
  if (!statement.words.empty() && (expanded.empty() || expanded.front().text.empty())) {
    errors_.add(position, "the name of this directive is empty");
    return;
  }
  if (!expanded.empty()) {
    node.name = std::move(expanded.front().text);
    node.args.assign(std::make_move_iterator(expanded.begin() + 1), std::make_move_iterator(expanded.end()));
  }
  if (!spend(kNodeCost, position)) return;
  if (scope.depth > kMaxDepth) {
    errors_.add(position, "blocks are nested deeper than " + std::to_string(kMaxDepth) + " by imports");
    return;
  }
  Scope inside = scope;
  ++inside.depth;
  all(statement.children, inside, node.children);
  defaults(node);
  out.push_back(std::move(node));
}

// A lone `...` says what an empty block says.
void Expander::defaults(Node& node) {
  const auto is_dots = [](const Node& child) { return child.name == "..."; };
  const auto found = std::find_if(node.children.begin(), node.children.end(), is_dots);
  if (found == node.children.end()) return;
  if (node.children.size() > 1 || !found->args.empty() || found->has_block) {
    errors_.add(found->position, "'...' means the defaults only when it stands alone in its block");
  } else {
    errors_.warn(found->position, "'...' means the defaults here; leave it out or write the options");
  }
  node.children.erase(std::remove_if(node.children.begin(), node.children.end(), is_dots),
                      node.children.end());
}

std::vector<Arg> Expander::words(const Statement& statement, const Scope& scope) {
  std::vector<Arg> result;
  for (const auto& raw : statement.words) word(raw, scope, result);
  return result;
}

void Expander::copy_block(const Statement& statement, const Scope& scope, std::vector<Node>& out) {
  Position position = statement.position;
  position.via = scope.via;
  if (!scope.args) return errors_.add(position, "'{block}' stands outside of an imported snippet or file");
  if (statement.words.size() > 1 || statement.has_block)
    errors_.add(position, "'{block}' takes neither arguments nor a block");
  if (scope.block_used) *scope.block_used = true;
  for (const auto& node : *scope.block) {
    if (!copy(node, scope.depth, out)) return;
  }
}

// Each copy has a record of its own.
bool Expander::copy(const Node& from, unsigned depth, std::vector<Node>& out) {
  std::size_t octets = kNodeCost + from.name.size();
  for (const auto& arg : from.args) octets += kArgCost + arg.text.size();
  if (!spend(octets, from.position)) return false;
  if (depth > kMaxDepth) {
    errors_.add(from.position, "blocks are nested deeper than " + std::to_string(kMaxDepth) + " by imports");
    return false;
  }
  Node node;
  node.name = from.name;
  node.args = from.args;
  node.has_block = from.has_block;
  node.position = from.position;
  for (const auto& child : from.children) {
    if (!copy(child, depth + 1, node.children)) return false;
  }
  out.push_back(std::move(node));
  return true;
}

void Expander::import(const Statement& statement, const Scope& scope, std::vector<Node>& out) {
  Position position = statement.position;
  position.via = scope.via;
  const auto what = words(statement, scope);
  if (spent_ > kMaxOctets) return;
  if (what.size() < 2) return errors_.add(position, "import wants the name of a snippet or a file");
  if (importing_.size() >= kMaxImports)
    return errors_.add(position, "imports are nested deeper than " + std::to_string(kMaxImports));

  const std::vector<Arg> args(what.begin() + 2, what.end());
  std::vector<Node> block;
  all(statement.children, scope, block);
  bool block_used = block.empty();
  Scope inner;
  inner.via = std::make_shared<Position>(position);
  inner.args = &args;
  inner.block = &block;
  inner.block_used = &block_used;
  inner.depth = scope.depth;
  const auto snippet = snippets_.find(what[1].text);
  if (snippet != snippets_.end()) {
    inner.file = snippet->second.file;
    const auto shown = "(" + snippet->first + ")";
    enter({shown, shown}, position, snippet->second.statement->children, inner, out);
  } else {
    inner.file = scope.file;
    import_files(what, inner, out);
  }
  if (!block_used)
    errors_.warn(position, quote(what[1].text) + " has no {block}, so the block given here is not used");
}

void Expander::import_files(const std::vector<Arg>& words, Scope inner, std::vector<Node>& out) {
  const auto& name = words[1];
  std::vector<std::string> snippets;
  for (const auto& [snippet, where] : snippets_) snippets.push_back(snippet);
  const auto meant = closest(name.text, snippets);
  if (!environment_.import_files)
    return errors_.add(name.position,
                       "there is no snippet " + quote(name.text) + ", and files cannot be imported here",
                       meant);
  const fs::path written(name.text);
  std::vector<fs::path> paths;
  if (is_glob(name.text)) {
    const bool relative = !written.is_absolute() && !inner.file->folder.empty();
    paths = matching(relative ? escaped(inner.file->folder.string()) + "/" + name.text : name.text);
    if (paths.empty()) errors_.warn(name.position, "no file matches " + quote(name.text));
  } else {
    const auto path = inner.file->folder / written;
    std::error_code error;
    if (!fs::is_regular_file(path, error))
      return errors_.add(name.position, quote(name.text) + " is neither a snippet nor a file", meant);
    paths.push_back(path);
  }
  for (const auto& path : paths) {
    std::error_code error;
    const auto key = fs::weakly_canonical(path, error).string();
    const bool cycle = is_importing(key) != importing_.end();
    auto known = by_path_.find(key);
    if (known == by_path_.end() && !cycle) {
      std::string text;
      if (!read(path, name.position, text) || !spend(text.size(), name.position)) continue;
      known = by_path_.emplace(key, add(path.string(), std::move(text), path.parent_path())).first;
    }
    if (!cycle) inner.file = known->second;
    enter({key, path.string()}, name.position, inner.file->statements, inner, out);
  }
}

std::vector<Expander::Import>::const_iterator Expander::is_importing(const std::string& key) const {
  return std::find_if(importing_.begin(), importing_.end(),
                      [&](const Import& each) { return each.key == key; });
}

void Expander::enter(Import import, const Position& position, const std::vector<Statement>& statements,
                     const Scope& scope, std::vector<Node>& out) {
  const auto first = is_importing(import.key);
  if (first != importing_.end()) {
    std::string chain;
    for (auto each = first; each != importing_.end(); ++each) chain += each->shown + " → ";
    return errors_.add(position, "import cycle: " + chain + import.shown);
  }
  importing_.push_back(std::move(import));
  all(statements, scope, out);
  importing_.pop_back();
}

}  // namespace sipward::config
