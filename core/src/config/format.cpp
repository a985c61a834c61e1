#include "config/format.hpp"

#include <algorithm>

#include "config/lexer.hpp"
#include "config/parser.hpp"

namespace sipward::config {
namespace {

using Kind = Token::Kind;

class Formatter final {
 public:
  Formatter(std::string_view text, const std::vector<Token>& tokens)
      : text_(text), tokens_(tokens), breaks_(tokens.size()) {
    find_blocks();
  }

  std::string run() {
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      switch (tokens_[at_].kind) {
        case Kind::line_end:
          if (empty_line_) ++blanks_;
          end_line();
          break;
        case Kind::word:
        case Kind::comment:
          put();
          break;
        case Kind::open:
          open();
          break;
        case Kind::close:
          close();
          break;
        case Kind::end:
          end_line();
          break;
      }
    }
    return std::move(out_);
  }

 private:
  // A block is broken into lines when it has a line end in it, wherever that stands.
  void find_blocks() {
    std::vector<std::size_t> opened;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].kind == Kind::open) opened.push_back(i);
      if (tokens_[i].kind != Kind::close || opened.empty()) continue;
      const auto begin = tokens_[opened.back()].end;
      const auto inside = text_.substr(begin, tokens_[i].begin - begin);
      breaks_[opened.back()] = breaks_[i] = inside.find('\n') != std::string_view::npos;
      opened.pop_back();
    }
  }

  void end_line() {
    if (empty_line_) return;
    // Without a space behind it, a backslash would continue the line.
    if (out_.back() == '\\' && !ends_in_comment_) out_ += ' ';
    out_ += '\n';
    empty_line_ = true;
  }

  void begin_line(std::size_t depth) {
    if (blanks_ > 0 && !out_.empty() && !first_in_block_) out_ += '\n';
    blanks_ = 0;
    first_in_block_ = false;
    out_.append(depth * kIndent, ' ');
    empty_line_ = false;
    ends_in_comment_ = false;
  }

  std::string_view gap() const {
    const auto begin = at_ > 0 ? tokens_[at_ - 1].end : 0;
    return text_.substr(begin, tokens_[at_].begin - begin);
  }

  // What stands between two tokens of one line: a line end in there was continued by a backslash.
  void separate() {
    const auto between = gap();
    const bool spaces = between.find_first_not_of(' ') == std::string_view::npos && !between.empty();
    if (tokens_[at_].kind == Kind::comment) {
      out_ += spaces ? between : " ";  // comments that stand in a column stay there
    } else if (tokens_[at_].kind == Kind::word && between.find('\n') != std::string_view::npos) {
      out_ += " \\\n";
      out_.append((depth_ + 1) * kIndent, ' ');
    } else {
      out_ += ' ';
    }
  }

  void put() {
    const auto& token = tokens_[at_];
    if (empty_line_) {
      begin_line(depth_);
    } else {
      separate();
    }
    auto raw = text_.substr(token.begin, token.end - token.begin);
    ends_in_comment_ = token.kind == Kind::comment;
    if (ends_in_comment_) {
      while (raw.ends_with(' ') || raw.ends_with('\t') || raw.ends_with('\r')) raw.remove_suffix(1);
      out_ += raw;
    } else if (raw.starts_with("<<")) {
      // The lexer takes the line ends of a heredoc without their carriage return.
      for (std::size_t i = 0; i < raw.size(); ++i) {
        if (!raw.substr(i).starts_with("\r\n")) out_ += raw[i];
      }
    } else {
      out_ += raw;
    }
  }

  void open() {
    if (empty_line_) {
      begin_line(depth_);
    } else {
      separate();
    }
    out_ += '{';
    if (!breaks_[at_]) return;
    ++depth_;
    if (tokens_[at_ + 1].kind != Kind::comment) end_line();
    first_in_block_ = true;
    blanks_ = 0;
  }

  void close() {
    if (!breaks_[at_]) {
      out_ += " }";
      return;
    }
    end_line();
    blanks_ = 0;
    --depth_;
    begin_line(depth_);
    out_ += '}';
  }

  static constexpr std::size_t kIndent = 4;

  std::string_view text_;
  const std::vector<Token>& tokens_;
  std::vector<bool> breaks_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t blanks_ = 0;
  bool empty_line_ = true;
  bool first_in_block_ = false;
  bool ends_in_comment_ = false;
};

bool same(const std::vector<Statement>& a, const std::vector<Statement>& b) {
  const auto same_word = [](const Arg& x, const Arg& y) { return x.text == y.text && x.quoted == y.quoted; };
  const auto same_one = [&](const Statement& x, const Statement& y) {
    return x.has_block == y.has_block &&
           std::equal(x.words.begin(), x.words.end(), y.words.begin(), y.words.end(), same_word) &&
           same(x.children, y.children);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_one);
}

std::string once(const std::shared_ptr<const Source>& source) {
  Errors ignored;  // reported by the parser
  return Formatter(source->text, lex(source, ignored, Comments::keep)).run();
}

}  // namespace

std::string format(const std::string& file, std::string text, Errors& errors) {
  const auto source =
      std::make_shared<Source>(Source{file, text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text, 0});
  const auto before = errors.count(Severity::error);
  const auto statements = parse(source, errors);
  if (errors.count(Severity::error) > before) return text;
  const auto result = std::make_shared<Source>(Source{file, once(source), 0});
  Errors problems;
  if (!same(statements, parse(result, problems)) || !problems.ok() || once(result) != result->text) {
    errors.add({source, nullptr, 0, 0}, "formatting would change what this file says; it is left as it is");
    return text;
  }
  return result->text;
}

}  // namespace sipward::config
