#include "config/parser.hpp"

#include "config/lexer.hpp"

namespace sipward::config {
namespace {

using Kind = Token::Kind;

class Parser final {
 public:
  Parser(std::vector<Token> tokens, Errors& errors) : tokens_(std::move(tokens)), errors_(errors) {}

  // The statements up to the end, or up to the '}' that closes the block opened at `opened`.
  std::vector<Statement> statements(unsigned depth, const Position* opened) {
    std::vector<Statement> result;
    while (true) {
      const Token& token = tokens_[at_];
      switch (token.kind) {
        case Kind::line_end:
        case Kind::comment:
          ++at_;
          break;
        case Kind::end:
          if (opened) errors_.add(*opened, "the block opened here is never closed");
          return result;
        case Kind::close:
          ++at_;
          if (opened) return result;
          errors_.add(token.position, "this '}' closes nothing");
          break;
        case Kind::open: {
          const bool misplaced = opened || !result.empty();
          if (misplaced)
            errors_.add(token.position,
                        opened ? "a block needs its name on the same line, before the '{'"
                               : "a block needs its name on the same line; only the global options "
                                 "have none, and they stand first in the file");
          auto block = statement(depth);
          if (!misplaced) result.push_back(std::move(block));
          break;
        }
        case Kind::word:
          result.push_back(statement(depth));
          break;
      }
    }
  }

 private:
  Statement statement(unsigned depth) {
    Statement result;
    result.position = tokens_[at_].position;
    for (; tokens_[at_].kind == Kind::word; ++at_) {
      auto& token = tokens_[at_];
      result.words.push_back({std::move(token.text), token.position, token.quoted});
    }
    if (tokens_[at_].kind != Kind::open) return result;
    const Position opened = tokens_[at_++].position;
    result.has_block = true;
    if (depth + 1 > kMaxDepth) {
      errors_.add(opened, "blocks are nested deeper than " + std::to_string(kMaxDepth));
      skip_block();
    } else {
      result.children = statements(depth + 1, &opened);
    }
    const auto next = tokens_[at_].kind;
    if (next == Kind::word || next == Kind::open)
      errors_.add(tokens_[at_].position, "what follows a '}' needs a line of its own");
    return result;
  }

  void skip_block() {
    for (std::size_t level = 1; level > 0 && tokens_[at_].kind != Kind::end; ++at_) {
      if (tokens_[at_].kind == Kind::open) ++level;
      if (tokens_[at_].kind == Kind::close) --level;
    }
  }

  std::vector<Token> tokens_;
  Errors& errors_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Statement> parse(const std::shared_ptr<const Source>& source, Errors& errors) {
  return Parser(lex(source, errors), errors).statements(0, nullptr);
}

}  // namespace sipward::config
