#include "cli/asking.hpp"

#include <boost/json.hpp>
#include <iostream>

#include "cli/command.hpp"
#include "sipward/config.hpp"

namespace sipward::cli {
namespace {

constexpr auto kDefaultAddress = "127.0.0.1:2019";

}  // namespace

std::string flag(const Arguments& arguments, std::string_view name) {
  const auto it = arguments.flags.find(name);
  return it == arguments.flags.end() ? std::string() : it->second;
}

std::string address_of(const Arguments& arguments, const std::string& file) {
  if (auto address = flag(arguments, "address"); !address.empty()) return address;
  if (file.empty()) return kDefaultAddress;
  config::Errors ignored;
  const auto sipfile = config::load_file(file, config::process_environment(), ignored);
  return sipfile.options.admin ? sipfile.options.admin->to_string() : kDefaultAddress;
}

boost::json::object object_in(const std::string& body) {
  boost::system::error_code error;
  auto value = boost::json::parse(body, error);
  return !error && value.is_object() ? std::move(value.as_object()) : boost::json::object();
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

int failed(std::string problem) {
  while (problem.ends_with('\n')) problem.pop_back();
  std::cerr << "sipward: " << problem << '\n';
  return kFailed;
}

int refused(unsigned status, const std::string& body) {
  auto error = text_of(object_in(body), "error");
  if (error.empty()) error = "the server answered " + std::to_string(status);
  return failed(error);
}

}  // namespace sipward::cli
