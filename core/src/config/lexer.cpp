#include "config/lexer.hpp"

#include <algorithm>

#include "config/utf8.hpp"

namespace sipward::config {
namespace {

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

constexpr bool is_marker(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

class Lexer final {
 public:
  Lexer(const std::shared_ptr<const Source>& source, Errors& errors, Comments comments)
      : source_(source), text_(source->text), errors_(errors), comments_(comments) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        tokens_.push_back({Token::Kind::line_end, {}, here(), false});
        step();
      } else if (is_blank(c)) {
        step();
      } else if (const auto length = continuation(); length > 0) {
        skip(length);
      } else if (c == '#') {
        comment();
      } else {
        const std::size_t begin = at_;
        token(c);
        tokens_.back().begin = begin;
        tokens_.back().end = at_;
      }
    }
    tokens_.push_back({Token::Kind::end, {}, here(), false});
    return std::move(tokens_);
  }

 private:
  Position here() const { return {source_, nullptr, line_, column_}; }

  void step() {
    if (text_[at_] == '\n') {
      ++line_;
      column_ = 1;
    } else if (at_ + 1 >= text_.size() || (static_cast<unsigned char>(text_[at_ + 1]) & 0xC0U) != 0x80U) {
      ++column_;  // at the last octet of a character
    }
    ++at_;
  }

  void skip(std::size_t count) {
    for (; count > 0 && at_ < text_.size(); --count) step();
  }

  // The length of a backslash with the line end behind it, or 0.
  std::size_t continuation() const {
    const auto rest = text_.substr(at_, 3);
    if (rest.starts_with("\\\r\n")) return 3;
    return rest.starts_with("\\\n") ? 2 : 0;
  }

  void comment() {
    Token token{Token::Kind::comment, {}, here(), false, at_, at_};
    while (at_ < text_.size() && text_[at_] != '\n') step();
    token.end = at_;
    if (comments_ == Comments::keep) tokens_.push_back(std::move(token));
  }

  bool at_boundary() const { return at_ >= text_.size() || text_[at_] == '\n' || is_blank(text_[at_]); }

  void token(char first) {
    if (first == '"' || first == '`') return quoted(first);
    if (first == '<' && text_.substr(at_).starts_with("<<") && at_ + 2 < text_.size() &&
        is_marker(text_[at_ + 2]))
      return heredoc();
    word();
  }

  void word() {
    const auto position = here();
    const std::size_t start = at_;
    while (!at_boundary() && continuation() == 0) skip(std::max<std::size_t>(variable(), 1));
    const auto text = text_.substr(start, at_ - start);
    if (text == "{") return push(Token::Kind::open, {}, position);
    if (text == "}") return push(Token::Kind::close, {}, position);
    stuck_brace(text, position);
  }

  // The length of a {$NAME:a default with spaces} that starts here and ends on this line, or 0.
  std::size_t variable() const {
    const auto rest = text_.substr(at_);
    if (!rest.starts_with("{$")) return 0;
    std::size_t level = 0;
    for (std::size_t i = 0; i < rest.size() && rest[i] != '\n'; ++i) {
      if (rest[i] == '{') ++level;
      if (rest[i] == '}' && --level == 0) return i + 1;
    }
    return 0;
  }

  // `@sip{`, `3}` and `{}` are plain words by the rules, but never meant as such. After the complaint they
  // are taken as what they look like, so that the rest of the file still makes sense.
  void stuck_brace(std::string_view text, const Position& position) {
    const auto open = std::count(text.begin(), text.end(), '{');
    const auto close = std::count(text.begin(), text.end(), '}');
    if (text == "{}") {
      errors_.add(position, "an empty block is written '{ }'; a literal '{}' needs quotes");
      push(Token::Kind::open, {}, position);
      push(Token::Kind::close, {}, position);
    } else if (text.back() == '{' && open > close) {
      errors_.add(position, "white space is missing before '{' in " + quote(text));
      push(Token::Kind::word, text.substr(0, text.size() - 1), position);
      push(Token::Kind::open, {}, position);
    } else if (text.back() == '}' && close > open) {
      errors_.add(position, "white space is missing before '}' in " + quote(text));
      push(Token::Kind::word, text.substr(0, text.size() - 1), position);
      push(Token::Kind::close, {}, position);
    } else if (text.front() == '{' && open > close && !text.starts_with("{$") &&
               !text.starts_with("{args[")) {
      errors_.add(position, "white space is missing behind '{' in " + quote(text));
      push(Token::Kind::open, {}, position);
      push(Token::Kind::word, text.substr(1), position.after(1));
    } else {
      push(Token::Kind::word, text, position);
    }
  }

  void push(Token::Kind kind, std::string_view text, const Position& position) {
    tokens_.push_back({kind, std::string(text), position, false});
  }

  void quoted(char mark) {
    Token token{Token::Kind::word, {}, here(), true};
    step();
    while (at_ < text_.size() && text_[at_] != mark) {
      if (mark == '"' && text_.substr(at_).starts_with("\\\"")) step();
      token.text += text_[at_];
      step();
    }
    if (at_ >= text_.size()) {
      errors_.add(token.position, mark == '"' ? "the quote opened here is never closed"
                                              : "the backtick opened here is never closed");
    } else {
      step();
      if (!at_boundary() && continuation() == 0)
        errors_.add(here(), "white space is missing behind the closing quote");
    }
    tokens_.push_back(std::move(token));
  }

  std::string_view line() {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != '\n') step();
    auto result = text_.substr(start, at_ - start);
    if (at_ < text_.size()) step();
    if (result.ends_with('\r')) result.remove_suffix(1);
    return result;
  }

  void heredoc() {
    Token token{Token::Kind::word, {}, here(), true};
    skip(2);
    const std::size_t start = at_;
    while (at_ < text_.size() && is_marker(text_[at_])) step();
    const auto marker = text_.substr(start, at_ - start);
    if (const auto rest = line(); !rest.empty()) {
      errors_.add(token.position, "nothing may stand behind '<<" + std::string(marker) +
                                      "' on its line; quote it if it is meant as text");
    }
    struct Line {
      std::string_view text;
      Position position;
    };
    std::vector<Line> lines;
    while (at_ < text_.size()) {
      const auto rest = text_.substr(at_);
      const auto indent = std::min(rest.find_first_not_of(" \t"), rest.size());
      const auto behind = rest.substr(indent);
      if (behind.starts_with(marker) && (behind.size() == marker.size() || behind[marker.size()] == '\n' ||
                                         is_blank(behind[marker.size()]))) {
        const auto padding = rest.substr(0, indent);
        for (auto& each : lines) {
          if (each.text.starts_with(padding)) {
            each.text.remove_prefix(padding.size());
          } else if (each.text.find_first_not_of(" \t") == std::string_view::npos) {
            each.text = {};
          } else {
            errors_.add(each.position,
                        "this line is indented less than the end of its heredoc, " + quote(marker));
          }
        }
        for (std::size_t i = 0; i < lines.size(); ++i) {
          if (i > 0) token.text += '\n';
          token.text += lines[i].text;
        }
        skip(indent + marker.size());
        tokens_.push_back(std::move(token));
        return;
      }
      const auto position = here();
      lines.push_back({line(), position});
    }
    errors_.add(token.position,
                "the heredoc opened here never ends; " + quote(marker) + " must stand on its own line");
    tokens_.push_back(std::move(token));
  }

  const std::shared_ptr<const Source>& source_;
  std::string_view text_;
  Errors& errors_;
  Comments comments_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  unsigned column_ = 1;
};

}  // namespace

std::vector<Token> lex(const std::shared_ptr<const Source>& source, Errors& errors, Comments comments) {
  if (const auto bad = first_bad_octet(source->text); bad != std::string_view::npos) {
    const auto line =
        1 + std::count(source->text.begin(), source->text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    // Not shown: a terminal or a JSON reader could not take it.
    const auto hidden = std::make_shared<Source>(Source{source->file, {}, source->number});
    errors.add({hidden, nullptr, static_cast<unsigned>(line), 1}, "this line is not UTF-8 text");
    return {Token{Token::Kind::end, {}, {source, nullptr, 1, 1}, false}};
  }
  return Lexer(source, errors, comments).run();
}

}  // namespace sipward::config
