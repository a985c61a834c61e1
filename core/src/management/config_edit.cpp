#include "management/config_edit.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

namespace sipward {
namespace {

namespace json = boost::json;
using Refusal = std::optional<EditRefusal>;

constexpr std::string_view kEach = "...";

std::optional<std::size_t> index_of(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return value;
}

template <class Value>
Value* step(Value& at, const std::string& key) {
  if (auto* object = at.if_object()) return object->if_contains(key);
  auto* array = at.if_array();
  const auto index = array ? index_of(key) : std::nullopt;
  return index && *index < array->size() ? &(*array)[*index] : nullptr;
}

EditRefusal nothing_at(const std::string& key) {
  return {404, "nothing stands at '" + key.substr(0, 64) + "' of that path"};
}

Refusal append(json::array& array, json::value value, bool each) {
  if (!each) {
    array.push_back(std::move(value));
    return std::nullopt;
  }
  auto* values = value.if_array();
  if (!values) return EditRefusal{400, "a path that ends with ... wants an array"};
  for (auto& element : *values) array.push_back(std::move(element));
  return std::nullopt;
}

Refusal edit_array(json::array& array, std::string_view method, const std::string& key, json::value value) {
  if (key == kEach && method == "POST") return append(array, std::move(value), true);
  const auto index = index_of(key);
  const auto last = method == "PUT" ? array.size() + 1 : array.size();  // PUT behind the last one appends
  if (!index || *index >= last) return nothing_at(key);
  auto* const at = array.begin() + *index;
  if (method == "PUT") {
    array.insert(at, std::move(value));
  } else if (method == "DELETE") {
    array.erase(at);
  } else if (auto* inner = at->if_array(); inner && method == "POST") {
    return append(*inner, std::move(value), false);
  } else {
    *at = std::move(value);
  }
  return std::nullopt;
}

Refusal edit_object(json::object& object, std::string_view method, const std::string& key,
                    json::value value) {
  auto* const have = object.if_contains(key);
  if (method == "PUT" && have) return EditRefusal{409, "'" + key.substr(0, 64) + "' is there already"};
  if ((method == "PATCH" || method == "DELETE") && !have) return nothing_at(key);
  if (method == "DELETE") {
    object.erase(key);
  } else if (auto* array = have ? have->if_array() : nullptr; array && method == "POST") {
    return append(*array, std::move(value), false);
  } else {
    object[key] = std::move(value);
  }
  return std::nullopt;
}

Refusal edit_whole(json::value& root, std::string_view method, json::value value) {
  if (method == "PUT") return EditRefusal{409, "there is a configuration already"};
  if (method == "DELETE")
    return EditRefusal{400, "without a configuration nothing would run; POST /stop ends it"};
  root = std::move(value);
  return std::nullopt;
}

}  // namespace

const json::value* find_config(const json::value& root, const ConfigPath& path) {
  const auto* at = &root;
  for (const auto& key : path)
    if (!(at = step(*at, key))) return nullptr;
  return at;
}

Refusal edit_config(json::value& root, std::string_view method, const ConfigPath& path, json::value value) {
  if (path.empty()) return edit_whole(root, method, std::move(value));
  auto* at = &root;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    auto* next = step(*at, path[i]);
    if (!next && method == "PUT" && at->is_object()) next = &(at->as_object()[path[i]] = json::object());
    if (!next) return nothing_at(path[i]);
    at = next;
  }
  if (auto* array = at->if_array()) return edit_array(*array, method, path.back(), std::move(value));
  if (auto* object = at->if_object(); object && path.back() != kEach)
    return edit_object(*object, method, path.back(), std::move(value));
  return nothing_at(path.back());
}

}  // namespace sipward
