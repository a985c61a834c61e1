#include "sipward/config/reader.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "config/json_out.hpp"

namespace sipward::config {
namespace {

// interval=30s: what could be the name of an option, then "=". https://x/?a=b is none.
std::string_view option_of(const Arg& arg) {
  if (arg.quoted) return {};
  const std::string_view text = arg.text;
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return {};
  const auto name = text.substr(0, equals);
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return name.find_first_not_of(kAllowed) == std::string_view::npos ? name : std::string_view{};
}

}  // namespace

Reader::Reader(const Node& node, Errors& errors)
    : node_(node), errors_(errors), child_taken_(node.children.size()), arg_taken_(node.args.size()) {
  node_.record->clear();
  node_.record->filled = true;
}

// The next argument that is neither taken nor an option=value; the number of arguments when there is none.
std::size_t Reader::next_free(std::size_t from) const {
  while (from < arg_taken_.size() && (arg_taken_[from] || !option_of(node_.args[from]).empty())) ++from;
  return from;
}

void Reader::take_word(std::string_view name, Arity arity, std::vector<Given>& found) {
  for (std::size_t i = next_free(); i < node_.args.size(); i = next_free(i + 1)) {
    if (node_.args[i].quoted || node_.args[i].text != name) continue;
    arg_taken_[i] = true;
    Given given{node_.args[i].position, {}, nullptr};
    for (std::size_t j = next_free(i); j < node_.args.size(); j = next_free(j)) {
      if (arity == Arity::flag && !parse_flag(node_.args[j].text)) break;
      arg_taken_[j] = true;
      given.args.push_back(&node_.args[j]);
      if (arity == Arity::one || arity == Arity::flag) break;
    }
    found.push_back(std::move(given));
  }
}

std::vector<Reader::Given> Reader::find(std::string_view name, Arity arity, Place place) {
  known_.emplace_back(name);
  std::vector<Given> found;
  for (std::size_t i = 0; i < node_.args.size(); ++i) {
    const auto& arg = node_.args[i];
    if (arg_taken_[i] || option_of(arg) != name) continue;
    arg_taken_[i] = true;
    made_.push_back(arg);
    made_.back().text.erase(0, name.size() + 1);
    made_.back().written.erase(0, name.size() + 1);
    made_.back().position = arg.position.after(static_cast<unsigned>(name.size() + 1));
    found.push_back({arg.position, {&made_.back()}, nullptr});
  }
  for (std::size_t i = 0; i < node_.children.size(); ++i) {
    const auto& child = node_.children[i];
    if (child_taken_[i] || child.name != name) continue;
    child_taken_[i] = true;
    Given given{child.position, {}, &child};
    for (const auto& arg : child.args) given.args.push_back(&arg);
    found.push_back(std::move(given));
  }
  if (place == Place::word) take_word(name, arity, found);
  const std::size_t free = next_free();
  // A scalar that was given by its name leaves the argument to the next one that asks.
  if (place == Place::argument && free < node_.args.size() && (found.empty() || arity == Arity::list)) {
    Given given{node_.args[free].position, {}, nullptr};
    for (std::size_t i = free; i < node_.args.size(); i = next_free(i)) {
      arg_taken_[i] = true;
      given.args.push_back(&node_.args[i]);
      if (arity == Arity::one || arity == Arity::flag) break;
    }
    found.insert(found.begin(), std::move(given));
  }
  if (!found.empty()) given_.emplace_back(name, found.front().position);
  return found;
}

std::vector<const Arg*> Reader::values_of(std::string_view name, const Type& type, const Given& given) {
  const std::string option(name);
  if (given.node && given.node->has_block) errors_.add(given.position, option + " takes no block");
  auto args = given.args;
  if (args.empty() && type.arity != Arity::flag) errors_.add(given.position, option + " wants " + type.wants);
  if (type.arity == Arity::joined && args.size() > 1) {
    const bool any_written =
        std::any_of(args.begin(), args.end(), [](const Arg* arg) { return !arg->written.empty(); });
    const auto written = [](const Arg& arg) { return arg.written.empty() ? arg.text : arg.written; };
    Arg joined{args.front()->text, args.front()->position};
    if (any_written) joined.written = written(*args.front());
    for (const Arg* arg : std::span(args).subspan(1)) {
      joined.text += " " + arg->text;
      if (any_written) joined.written += " " + written(*arg);
    }
    for (const Arg* arg : args) joined.per_connection = joined.per_connection || arg->per_connection;
    made_.push_back(std::move(joined));
    args.assign(1, &made_.back());
  }
  if (type.arity != Arity::list && args.size() > 1) {
    errors_.add(args[1]->position, option + " takes one value; " + quote(args[1]->text) + " is too much");
    args.resize(1);
  }
  return args;
}

// What a value may be before anybody looks at its text.
bool Reader::fits(std::string_view name, const Type& type, const Arg& arg) {
  if (arg.per_connection) {
    errors_.add(arg.position, std::string(name) +
                                  " cannot use a placeholder that differs per connection, as " +
                                  quote(arg.text) + " does");
    return false;
  }
  // What a placeholder stands for is a string of the JSON whatever it becomes.
  if (arg.json == JsonKind::none || !arg.written.empty()) return true;
  const auto right = type.name == "number" ? JsonKind::number
                     : type.name == "flag" ? JsonKind::flag
                                           : JsonKind::string;
  if (arg.json == right) return true;
  const auto* kind = right == JsonKind::number ? " wants a number without quotes, not "
                     : right == JsonKind::flag ? " wants true or false without quotes, not "
                                               : " wants a string in quotes, not ";
  errors_.add(arg.position, std::string(name) + kind + quote(arg.text));
  return false;
}

bool Reader::read(std::string_view name, const Type& type, boost::json::value default_value, Place place,
                  const ParseJson& parse) {
  const auto found = find(name, type.arity, place);
  boost::json::array values;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i > 0 && type.arity != Arity::list) {
      errors_.add(found[i].position, std::string(name) + " is given twice");
      continue;
    }
    const auto args = values_of(name, type, found[i]);
    if (args.empty() && type.arity == Arity::flag) values.push_back(parse({"on", found[i].position, false}));
    for (const Arg* arg : args) {
      if (!fits(name, type, *arg)) continue;
      auto value = parse(*arg);
      if (!value.is_null()) {
        values.push_back(arg->written.empty() ? std::move(value) : boost::json::value(arg->written));
        continue;
      }
      const std::vector<std::string> words(type.words.begin(), type.words.end());
      errors_.add(arg->position, std::string(name) + " wants " + type.wants + ", not " + quote(arg->text),
                  closest(arg->text, words));
    }
  }
  auto& option = node_.record->option(name);
  option.type = type.name;
  option.detail = type.detail;
  option.default_value = std::move(default_value);
  option.repeatable = type.arity == Arity::list;
  if (option.repeatable && !values.empty()) {
    option.value = std::move(values);
  } else if (!values.empty()) {
    option.value = std::move(values.front());
  }
  return !found.empty();
}

bool Reader::read_blocks(std::string_view name, const BlockFunction& read, bool repeatable) {
  const auto found = find(name, Arity::list, Place::option);
  std::vector<std::shared_ptr<Record>> records;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i].node) {
      errors_.add(found[i].position, std::string(name) + " wants a block { … }");
      continue;
    }
    if (i > 0 && !repeatable) {
      errors_.add(found[i].position, std::string(name) + " is given twice");
      continue;
    }
    found[i].node->record->describing = node_.record->describing;
    Reader inner(*found[i].node, errors_);
    read(inner);
    inner.finish();
    records.push_back(found[i].node->record);
  }
  const bool shown = !records.empty();
  if (!shown && node_.record->describing) {
    Node nothing;
    Errors nobody;
    nothing.name = name;
    nothing.record->describing = true;
    Reader inner(nothing, nobody);
    read(inner);
    records.push_back(nothing.record);
  }
  auto& option = node_.record->option(name);
  option.type = "block";
  option.repeatable = repeatable;
  option.blocks = std::move(records);
  if (shown) option.value = true;
  return !found.empty();
}

bool Reader::block(std::string_view name, const BlockFunction& read) {
  return read_blocks(name, read, false);
}
bool Reader::blocks(std::string_view name, const BlockFunction& read) {
  return read_blocks(name, read, true);
}

void Reader::rest(const std::function<void(const Node&)>& take) {
  for (std::size_t i = 0; i < node_.children.size(); ++i) {
    if (child_taken_[i]) continue;
    const auto& child = node_.children[i];
    child_taken_[i] = true;
    take(child);
    auto& option = node_.record->option(child.name);
    option.type = "directive";
    option.repeatable = true;
    if (option.value.is_null()) option.value = boost::json::array();
    auto value = to_json(child);
    option.value.as_array().push_back(value.is_null() ? boost::json::value(true) : std::move(value));
  }
}

bool Reader::given(std::string_view name) const {
  return std::any_of(given_.begin(), given_.end(), [&](const auto& entry) { return entry.first == name; });
}

Position Reader::position(std::string_view name) const {
  const auto found =
      std::find_if(given_.begin(), given_.end(), [&](const auto& e) { return e.first == name; });
  return found == given_.end() ? node_.position : found->second;
}

void Reader::not_active_yet(std::string_view name) {
  node_.record->option(name).active = false;
  if (given(name)) errors_.not_active(position(name), name);
}

void Reader::require(std::string_view name) {
  if (!given(name)) errors_.add(node_.position, node_.name + " wants " + std::string(name));
}

void Reader::error(std::string_view name, std::string message) {
  errors_.add(position(name), std::move(message));
}
void Reader::warn(std::string_view name, std::string message) {
  errors_.warn(position(name), std::move(message));
}

const Arg* Reader::take_arg() {
  const auto free = std::find(arg_taken_.begin(), arg_taken_.end(), false);
  if (free == arg_taken_.end()) return nullptr;
  *free = true;
  const Arg& arg = node_.args[static_cast<std::size_t>(free - arg_taken_.begin())];
  if (arg.per_connection) {
    errors_.add(arg.position, node_.name + " cannot use a placeholder that differs per connection, as " +
                                  quote(arg.text) + " does");
  }
  auto& option = node_.record->option("args");
  option.type = "texts";
  option.repeatable = true;
  if (option.value.is_null()) option.value = boost::json::array();
  option.value.as_array().emplace_back(arg.written.empty() ? arg.text : arg.written);
  return &arg;
}

std::string Reader::knows() const {
  auto names = known_;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.empty()) return "it has no options";
  std::string text = "it knows ";
  for (std::size_t i = 0; i < names.size(); ++i) text += (i > 0 ? ", " : "") + names[i];
  return text;
}

void Reader::finish() {
  if (finished_) return;
  finished_ = true;
  const auto unknown = [&](const Position& position, std::string_view name) {
    errors_.add(position, "unknown option " + quote(name) + " in " + node_.name + "; " + knows(),
                closest(name, known_));
  };
  for (std::size_t i = 0; i < node_.args.size(); ++i) {
    const auto& arg = node_.args[i];
    if (arg_taken_[i]) continue;
    if (const auto name = option_of(arg); !name.empty()) {
      unknown(arg.position, name);
    } else {
      errors_.add(arg.position, node_.name + " takes no argument " + quote(arg.text),
                  closest(arg.text, known_));
    }
  }
  for (std::size_t i = 0; i < node_.children.size(); ++i) {
    if (!child_taken_[i]) unknown(node_.children[i].position, node_.children[i].name);
  }
}

}  // namespace sipward::config
