#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sipward/config/errors.hpp"
#include "sipward/config/node.hpp"
#include "sipward/config/record.hpp"
#include "sipward/config/scalars.hpp"
#include "sipward/net.hpp"

namespace sipward::config {

// Where a value may stand besides `name VALUE` in the block and `name=VALUE` among the arguments, which are
// always allowed. So `tls CERT KEY` and `tls { certificate CERT; key KEY }` are one and the same to a module.
enum class Place : std::uint8_t {
  option,    // nowhere else
  argument,  // the next free argument of the directive; a list takes all that are left
  word,      // after its name among the arguments: `soft_block 60s max 5m`
};

template <class E>
struct Choice {
  std::string_view word;
  E value;
};

// Reads the options of one Node. Each call names an option, checks it, and writes it to `out`; what `out`
// holds before is the default, and stays when the option is absent or wrong. Every problem goes to Errors,
// none is thrown. All calls that read return whether the option was given (rightly or not). Ask for
// positional arguments in their order. Node and Errors must outlive the Reader.
class Reader {
 public:
  using BlockFunction = std::function<void(Reader&)>;

  Reader(const Node& node, Errors& errors);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  template <std::integral T>
  requires(!std::same_as<T, bool>) bool number(std::string_view name, T& out, std::type_identity_t<T> min,
                                               std::type_identity_t<T> max, Place place = Place::option) {
    auto value = clamp(out);
    const bool given = integer(name, value, clamp(min), clamp(max), place);
    out = static_cast<T>(value);
    return given;
  }
  bool duration(std::string_view name, std::chrono::milliseconds& out, Place place = Place::option,
                std::chrono::milliseconds min = std::chrono::milliseconds(1),
                std::chrono::milliseconds max = kMaxDuration);
  bool size(std::string_view name, std::uint64_t& out, Place place = Place::option, std::uint64_t min = 0,
            std::uint64_t max = std::numeric_limits<std::int64_t>::max());
  bool rate(std::string_view name, Rate& out, Place place = Place::option);  // 10/s burst 20
  // The bare word is true; else true, false, on, off.
  bool flag(std::string_view name, bool& out, Place place = Place::option);
  bool text(std::string_view name, std::string& out, Place place = Place::option);
  bool upstream(std::string_view name, UpstreamAddress& out, Place place = Place::option);
  template <class E>
  bool one_of(std::string_view name, E& out, std::initializer_list<Choice<E>> table,
              Place place = Place::option) {
    std::vector<std::string_view> words;
    std::size_t index = table.size();
    for (const auto& choice : table) {
      if (choice.value == out && index == table.size()) index = words.size();
      words.push_back(choice.word);
    }
    const bool given = word(name, index, words, place);
    if (index < table.size()) out = (table.begin() + index)->value;
    return given;
  }

  // Lists: several values on a line, and the option may be repeated; values are appended to `out`.
  bool texts(std::string_view name, std::vector<std::string>& out, Place place = Place::option);
  bool words(std::string_view name, std::vector<std::string>& out, std::span<const std::string_view> allowed,
             Place place = Place::option);
  bool cidrs(std::string_view name, std::vector<Cidr>& out, Place place = Place::option);
  bool upstreams(std::string_view name, std::vector<UpstreamAddress>& out, Place place = Place::option);

  // For types this class does not know: `parse` keeps the value and returns false when it is none, and the
  // message then is "NAME wants WANTS, not 'x'". `value` reads exactly one argument, `values` a list.
  using Parse = std::function<bool(const Arg&)>;
  bool value(std::string_view name, std::string_view wants, const Parse& parse, Place place = Place::option);
  bool values(std::string_view name, std::string_view wants, const Parse& parse, Place place = Place::option);

  // An option with options of its own; finish() is called for it. Its arguments are read by its own Reader.
  bool block(std::string_view name, const BlockFunction& read);   // at most once
  bool blocks(std::string_view name, const BlockFunction& read);  // repeatable
  // Every child that no call has asked for yet, for blocks whose words are not options (users, matchers).
  void rest(const std::function<void(const Node&)>& take);

  // `name` was read above, but what it switches on is not built yet: noted once if it was given.
  void not_active_yet(std::string_view name);
  void require(std::string_view name);  // an error when `name`, read above, was not given
  void error(std::string_view name,
             std::string message);  // at the option if it was given, else at the directive
  void warn(std::string_view name, std::string message);

  bool given(std::string_view name) const;
  Position position(std::string_view name) const;  // of the option's first value, else of the directive
  const Node& node() const { return node_; }
  std::span<const Arg> args() const { return node_.args; }
  const Arg* take_arg();  // the next free argument, or nullptr
  Errors& errors() { return errors_; }

  // Reports every option and argument that nobody asked for. Call it last; further calls do nothing.
  void finish();

 private:
  enum class Arity : std::uint8_t {
    one,     // exactly one value
    flag,    // one or none
    joined,  // one value that may have spaces in it
    list,    // any number, but not none
  };
  struct Type {
    std::string_view name;
    std::string wants;  // for "NAME wants …"
    std::string detail = {};
    Arity arity = Arity::one;
    std::span<const std::string_view> words = {};  // when only these are right
  };
  // One time that an option was given.
  struct Given {
    Position position;  // of its name
    std::vector<const Arg*> args;
    const Node* node = nullptr;  // null when it stood among the arguments
  };
  // Gives the canonical form; null when the text is no such value.
  using ParseJson = std::function<boost::json::value(const Arg&)>;

  template <std::integral T>
  static std::int64_t clamp(T value) {
    return std::in_range<std::int64_t>(value) ? static_cast<std::int64_t>(value)
                                              : std::numeric_limits<std::int64_t>::max();
  }
  bool integer(std::string_view name, std::int64_t& out, std::int64_t min, std::int64_t max, Place place);
  bool word(std::string_view name, std::size_t& index, std::span<const std::string_view> words, Place place);
  std::size_t next_free(std::size_t from = 0) const;
  void take_word(std::string_view name, Arity arity, std::vector<Given>& found);
  std::vector<Given> find(std::string_view name, Arity arity, Place place);
  std::vector<const Arg*> values_of(std::string_view name, const Type& type, const Given& given);
  bool fits(std::string_view name, const Type& type, const Arg& arg);
  // The way of every option: find, complain about repetition, blocks, missing and surplus values, parse each,
  // record.
  bool read(std::string_view name, const Type& type, boost::json::value default_value, Place place,
            const ParseJson& parse);
  std::string knows() const;
  bool read_blocks(std::string_view name, const BlockFunction& read, bool repeatable);

  const Node& node_;
  Errors& errors_;
  std::vector<bool> child_taken_;
  std::vector<bool> arg_taken_;
  std::vector<std::string> known_;
  std::vector<std::pair<std::string, Position>> given_;
  std::deque<Arg> made_;  // values cut out of name=VALUE, and joined ones
  bool finished_ = false;
};

}  // namespace sipward::config
