#include "config/format.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "cli/config_commands.hpp"
#include "sipward/config.hpp"

using namespace sipward;
using namespace sipward::config;

namespace {

std::string formatted(const std::string& text) {
  Errors errors;
  auto result = format("Sipfile", text, errors);
  INFO(text << "\n" << errors.to_string());
  CHECK(errors.ok());
  return result;
}

// What loading makes of a text, whatever it makes of it.
std::string meaning(const std::string& text) {
  Environment environment;
  environment.import_files = false;
  Errors errors;
  const auto sipfile = load_text("Sipfile", text, environment, errors);
  auto result = boost::json::serialize(to_json(sipfile));
  for (const auto& d : errors.sorted()) {
    // Where something else is said to stand may move with the lines.
    if (d.message.find("Sipfile:") == std::string::npos) result += "\n" + d.message;
  }
  return result;
}

bool parses(const std::string& text) {
  Errors errors;
  format("Sipfile", text, errors);
  return errors.ok() ||
         errors.to_string().find("formatting would change") != std::string::npos;  // which is never right
}

void check_properties(const std::string& text) {
  Errors errors;
  const auto once = format("Sipfile", text, errors);
  Errors more;
  const auto twice = format("Sipfile", once, more);
  INFO("text:\n" << text << "\nformatted:\n" << once << "\n" << errors.to_string());
  REQUIRE(errors.ok());
  REQUIRE(more.ok());
  REQUIRE(twice == once);
  REQUIRE(meaning(text) == meaning(once));
}

std::vector<std::string> inputs() {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(SIPWARD_TEST_DIR "/config")) {
    if (entry.path().extension() != ".sipfile") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    result.push_back(text.str().substr(0, text.str().find("----------\n")));
  }
  std::sort(result.begin(), result.end());
  return result;
}

// A text of statements, blocks, comments and line ends in every mixture that the language has.
class Generator final {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string text() {
    std::string out = "udp/:5060 {" + gap("\n");
    statements(out, 0);
    return out + "}" + gap("\n");
  }

 private:
  template <std::size_t N>
  std::string_view pick(const std::array<std::string_view, N>& from) {
    return from[random_() % N];
  }

  std::string gap(std::string_view usual) {
    static constexpr std::array<std::string_view, 7> kEnds = {"\n",      "\r\n",         "\n\n\n",  " # c\n",
                                                              "\t#\t\n", "  # c { \\\n", " \n \t\n"};
    return std::string(random_() % 3 == 0 ? usual : pick(kEnds));
  }

  std::string blank() {
    static constexpr std::array<std::string_view, 6> kBlanks = {" ",       "\t",      "   ",
                                                                " \\\n  ", " \\\r\n", "\\\n"};
    return std::string(random_() % 2 == 0 ? " " : pick(kBlanks));
  }

  std::string word() {
    static constexpr std::array<std::string_view, 18> kWords = {"a",
                                                                "10m",
                                                                "\"a b\"",
                                                                "\"\\\"\"",
                                                                "`raw \\ \"`",
                                                                "\"two\n  lines\"",
                                                                "`x\r\ny`",
                                                                "{$A:b c}",
                                                                "{args}",
                                                                "a\\",
                                                                "a#b",
                                                                "\"\"",
                                                                "\"{\"",
                                                                "key=value",
                                                                "<<E\n  x\n  E",
                                                                "<<E\r\n\tx\r\n\r\n\ty\r\n\tE",
                                                                "ü",
                                                                "<<"};
    return std::string(pick(kWords));
  }

  void statements(std::string& out, unsigned depth) {
    for (unsigned i = random_() % 4; i > 0; --i) {
      out += std::string(random_() % 9, ' ') + "name";
      for (unsigned j = random_() % 4; j > 0; --j) out += blank() + word();
      if (depth < 4 && random_() % 3 == 0) {
        out += blank() + "{" + (random_() % 3 == 0 ? std::string(" ") : gap("\n"));
        if (random_() % 3 == 0) {
          out += "x y }";
        } else {
          out += "\n";
          statements(out, depth + 1);
          out += "}";
        }
      }
      out += gap("\n");
    }
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("fmt indents by four spaces, joins what one space can join, and keeps comments") {
  CHECK(formatted("") == "");
  CHECK(formatted("\n\n") == "");
  CHECK(formatted("# only a comment  \r\n") == "# only a comment\n");
  CHECK(formatted("\n\n:2020   {\n\n\n\thandle\t/a  {\n   metrics   # why\n\n\n\n x\n\n}\n}") ==
        ":2020 {\n    handle /a {\n        metrics   # why\n\n        x\n    }\n}\n");
  CHECK(formatted("a { # b\n# c\n} # d\n# e") == "a { # b\n    # c\n} # d\n# e\n");
  CHECK(formatted("\xEF\xBB\xBF{\nadmin off\n}\n") == "{\n    admin off\n}\n");
}

TEST_CASE("fmt leaves one-line blocks on their line and breaks up the others") {
  CHECK(formatted("a {   b   { c d } }") == "a { b { c d } }\n");
  CHECK(formatted("a {  b  c  }\n") == "a { b c }\n");
  CHECK(formatted("a { }") == "a { }\n");
  CHECK(formatted("a {\n}") == "a {\n}\n");
  CHECK(formatted("a { b { c }\n}") == "a {\n    b { c }\n}\n");
  CHECK(formatted("a { b\n c }") == "a {\n    b\n    c\n}\n");
}

TEST_CASE("fmt keeps continued lines, heredocs and quotes as they mean") {
  CHECK(formatted("a b \\\n\t\\\n\tc\\\nd {\ne \\\nf\n}") ==
        "a b \\\n    c \\\n    d {\n    e \\\n        f\n}\n");
  CHECK(formatted("a \\\n{\nb\n}\n") == "a {\n    b\n}\n");
  CHECK(formatted("a \\\n\nb") == "a\nb\n");
  CHECK(formatted("a {\nb <<END\n  text  \n  END  c\n}\n") == "a {\n    b <<END\n  text  \n  END c\n}\n");
  CHECK(formatted("a \"x\n  y\"   `z`") == "a \"x\n  y\" `z`\n");
  // Without its space this backslash would continue the line.
  CHECK(formatted("a\\ \nb") == "a\\ \nb\n");
}

TEST_CASE("fmt gives back what it cannot parse, with the errors") {
  for (const std::string text : {"a {", "}", "a \"b", "a{\n}", "\xff", "a { b } c"}) {
    Errors errors;
    CHECK(format("Sipfile", text, errors) == text);
    CHECK_FALSE(errors.ok());
  }
}

TEST_CASE("fmt is idempotent and changes no meaning for every golden Sipfile and any change to it") {
  std::mt19937 random(20);
  static constexpr std::array<std::string_view, 16> kPieces = {
      "{",       "}",   "\"",   "`",  "\\",       "\n",        " ",  "#",
      "<<END\n", "END", "\\\n", "\r", " { x }\n", "{$A:{$B}}", "\t", "..."};
  unsigned tried = 0;
  for (const auto& text : inputs()) {
    if (parses(text)) check_properties(text);
    if (text.size() > 8000) continue;
    for (unsigned round = 0; round < 60; ++round) {
      auto changed = text;
      for (auto count = 1 + random() % 3; count > 0; --count) {
        const auto at = random() % (changed.size() + 1);
        if (random() % 3 == 0) {
          changed.erase(at, 1 + random() % 4);
        } else {
          changed.insert(at, kPieces[random() % kPieces.size()]);
        }
      }
      if (!parses(changed)) continue;
      check_properties(changed);
      ++tried;
    }
  }
  CHECK(tried > 200);
}

TEST_CASE("fmt is idempotent and changes no meaning for texts of every mixture") {
  unsigned tried = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    const auto text = Generator(seed).text();
    if (!parses(text)) continue;
    check_properties(text);
    ++tried;
  }
  CHECK(tried > 1000);
}

TEST_CASE("the difference of two texts shows what goes and what comes among what stays") {
  CHECK(cli::line_difference("a\nb\nc\nd\n", "a\nB\nc\nd\ne\n") == "  a\n- b\n+ B\n  c\n  d\n+ e\n");
  CHECK(cli::line_difference("", "a\n") == "+ a\n");
  CHECK(cli::line_difference("a\n", "") == "- a\n");
  CHECK(cli::line_difference("a\nb\n", "a\nb\n") == "  a\n  b\n");
}
