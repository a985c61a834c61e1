#include "config/json_value.hpp"

#include <algorithm>
#include <unordered_set>

#include "config/utf8.hpp"

namespace sipward::config {
namespace {

using Kind = JsonValue::Kind;

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Thrown inside this file only: a document is either JSON or it is not.
struct SyntaxError {
  Position position;
  std::string message;
};

class JsonParser final {
 public:
  explicit JsonParser(const std::shared_ptr<const Source>& source) : source_(source), text_(source->text) {}

  JsonValue document() {
    auto result = value(0);
    blanks();
    if (at_ < text_.size()) fail("the document ends before this; only one value may stand in it");
    return result;
  }

 private:
  Position here() const { return {source_, nullptr, line_, column_}; }
  [[noreturn]] void fail(std::string message) const { throw SyntaxError{here(), std::move(message)}; }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }

  void step() {
    if (text_[at_] == '\n') {
      ++line_;
      column_ = 1;
    } else if (at_ + 1 >= text_.size() || (static_cast<unsigned char>(text_[at_ + 1]) & 0xC0U) != 0x80U) {
      ++column_;
    }
    ++at_;
  }

  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      step();
  }

  bool take(char c) {
    if (!next_is(c)) return false;
    step();
    return true;
  }

  JsonValue value(unsigned depth) {
    blanks();
    if (at_ >= text_.size()) fail("a value is missing at the end of the document");
    if (depth > kMaxJsonDepth)
      fail("arrays and objects are nested deeper than " + std::to_string(kMaxJsonDepth));
    if (++values_ > kMaxJsonValues)
      fail("the document has more than " + std::to_string(kMaxJsonValues) + " values");
    JsonValue result;
    result.position = here();
    const char c = text_[at_];
    if (c == '{') {
      object(result, depth);
    } else if (c == '[') {
      array(result, depth);
    } else if (c == '"') {
      result.kind = Kind::string;
      result.text = string();
    } else if (c == '-' || is_digit(c)) {
      result.kind = Kind::number;
      result.text = number();
    } else {
      word(result);
    }
    return result;
  }

  void word(JsonValue& result) {
    const auto rest = text_.substr(at_);
    const auto length = std::min(rest.find_first_of(" \t\r\n,:[]{}\""), rest.size());
    const auto text = rest.substr(0, length);
    if (text == "true" || text == "false") {
      result.kind = Kind::flag;
      result.text = text;
    } else if (text.empty() || text != "null") {
      fail(text.empty() ? "a value is missing here"
                        : quote(text) + " is no JSON value; a text stands in double quotes");
    }
    for (std::size_t i = 0; i < length; ++i) step();
  }

  void array(JsonValue& result, unsigned depth) {
    result.kind = Kind::array;
    step();
    blanks();
    if (take(']')) return;
    while (true) {
      result.items.push_back(value(depth + 1));
      blanks();
      if (take(']')) return;
      if (!take(',')) fail("',' or ']' is missing here");
    }
  }

  void object(JsonValue& result, unsigned depth) {
    result.kind = Kind::object;
    std::unordered_set<std::string> keys;
    step();
    blanks();
    if (take('}')) return;
    while (true) {
      blanks();
      if (!next_is('"')) fail("a key in double quotes is missing here");
      const auto position = here();
      auto key = string();
      if (!keys.insert(key).second) throw SyntaxError{position, "key " + quote(key) + " is given twice"};
      blanks();
      if (!take(':')) fail("':' is missing behind the key");
      auto member = value(depth + 1);
      member.key = std::move(key);
      member.key_position = position;
      result.items.push_back(std::move(member));
      blanks();
      if (take('}')) return;
      if (!take(',')) fail("',' or '}' is missing here");
    }
  }

  std::string number() {
    const auto start = at_;
    const auto digits = [&] {
      if (at_ >= text_.size() || !is_digit(text_[at_])) fail("a digit is missing here");
      while (at_ < text_.size() && is_digit(text_[at_])) step();
    };
    take('-');
    if (take('0')) {
      if (at_ < text_.size() && is_digit(text_[at_])) fail("a number does not begin with 0");
    } else {
      digits();
    }
    if (take('.')) digits();
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      digits();
    }
    return std::string(text_.substr(start, at_ - start));
  }

  std::string string() {
    const auto opened = here();
    std::string result;
    step();
    while (true) {
      if (at_ >= text_.size()) throw SyntaxError{opened, "the string opened here is never closed"};
      const char c = text_[at_];
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20)
        fail("a control character in a string is written with a backslash, such as \\n");
      if (c == '\\') {
        escape(result);
      } else {
        result += c;
        step();
      }
    }
    step();
    return result;
  }

  void escape(std::string& out) {
    const auto position = here();
    step();
    if (at_ >= text_.size()) fail("the string ends in the middle of an escape");
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char c = text_[at_];
    step();
    if (const auto index = kNames.find(c); index != std::string_view::npos) {
      out += kMeanings[index];
    } else if (c == 'u') {
      code_point(out, position);
    } else {
      throw SyntaxError{position, "JSON knows no such escape"};
    }
  }

  void code_point(std::string& out, const Position& position) {
    auto code = four_digits(position);
    if (code >= 0xD800 && code < 0xDC00 && take('\\') && take('u')) {
      const auto low = four_digits(position);
      if (low < 0xDC00 || low > 0xDFFF) throw SyntaxError{position, "this escape is half a character"};
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code >= 0xD800 && code < 0xE000) throw SyntaxError{position, "this escape is half a character"};
    if (code == 0) throw SyntaxError{position, "a text cannot hold the character \\u0000"};
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {
      const unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      out += static_cast<char>((0xFF00U >> (more + 1) & 0xFFU) | code >> (6 * more));
      for (unsigned i = more; i > 0; --i) out += static_cast<char>(0x80U | (code >> (6 * (i - 1)) & 0x3FU));
    }
  }

  std::uint32_t four_digits(const Position& position) {
    std::uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
      const auto digit = at_ < text_.size() ? std::string_view("0123456789abcdefABCDEF").find(text_[at_])
                                            : std::string_view::npos;
      if (digit == std::string_view::npos) throw SyntaxError{position, "\\u wants four hexadecimal digits"};
      result = result << 4 | static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
      step();
    }
    return result;
  }

  const std::shared_ptr<const Source>& source_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
  unsigned line_ = 1;
  unsigned column_ = 1;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const JsonValue& item) { return item.key == name; });
  return kind == Kind::object && found != items.end() ? &*found : nullptr;
}

std::optional<JsonValue> parse_json(const std::shared_ptr<const Source>& source, Errors& errors) {
  if (source->text.size() > kMaxJsonSize) {
    errors.add({source, nullptr, 0, 0}, "the document is larger than 4MiB");
    return std::nullopt;
  }
  if (first_bad_octet(source->text) != std::string_view::npos) {
    errors.add({source, nullptr, 0, 0}, "the document is not UTF-8 text");
    return std::nullopt;
  }
  try {
    return JsonParser(source).document();
  } catch (SyntaxError& error) {
    errors.add(error.position, std::move(error.message));
    return std::nullopt;
  }
}

std::string_view to_string(JsonValue::Kind kind) {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::flag:
      return "true or false";
    case Kind::number:
      return "a number";
    case Kind::string:
      return "a string";
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
  }
  return "a value";
}

}  // namespace sipward::config
