#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sipward/clock.hpp"
#include "sipward/config.hpp"
#include "sipward/http.hpp"
#include "sipward/log.hpp"
#include "sipward/module.hpp"

extern "C" const sipward::ModuleInfo sipward_module;

namespace sipward::admin::test {

class FakeClock final : public Clock {
 public:
  Time now() const override { return now_; }
  WallTime wall() const override { return WallTime{} + std::chrono::hours(24); }
  void advance(Duration by) { now_ += by; }

 private:
  Time now_ = Time{} + std::chrono::hours(1);
};

// Keeps what was logged. Safe to call from any thread.
class KeepingLogger final : public Logger {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view module, std::string_view message,
             std::initializer_list<LogField> fields) override {
    std::lock_guard lock(mutex_);
    text_ += std::string(module) + ": " + std::string(message);
    for (const auto& field : fields) text_ += " " + std::string(field.name) + "=" + std::string(field.value);
    text_ += '\n';
  }
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// Makes the handlers of this module from the text of a site.
class SiteText final : public CreateContext {
 public:
  explicit SiteText(const std::string& text) : CreateContext(errors_, scope_) {
    node_.name = "site";
    node_.children = config::parse_text("test", text, {}, errors_);
    handlers_ = http_children(node_);
    for (const auto& handler : handlers_) handler->validate(errors_);
  }
  std::vector<std::unique_ptr<HttpHandler>> take() {
    CAPTURE(errors_.to_string());
    REQUIRE(errors_.ok());
    return std::move(handlers_);
  }
  std::string problems() const { return errors_.to_string(); }

  std::vector<std::unique_ptr<HttpHandler>> http_children(const config::Node& parent) override {
    std::vector<std::unique_ptr<HttpHandler>> made;
    for (const auto& child : parent.children) {
      bool found = false;
      for (std::size_t i = 0; i < sipward_module.http_count && !found; ++i) {
        const auto& factory = sipward_module.http[i];
        if (child.name != factory.directive) continue;
        found = true;
        if (auto handler = factory.create(child, *this)) made.push_back(std::move(handler));
      }
      if (!found) errors_.add(child.position, "unknown HTTP handler " + config::quote(child.name));
    }
    return made;
  }

 private:
  config::Errors errors_;
  BuildScope scope_;
  config::Node node_;
  std::vector<std::unique_ptr<HttpHandler>> handlers_;
};

// A handler that is a function.
class Call final : public HttpHandler {
 public:
  using Function = std::function<Outcome(HttpRequest&, HttpResponse&)>;
  explicit Call(Function function) : function_(std::move(function)) {}
  Outcome handle(HttpRequest& request, HttpResponse& response) const override {
    return function_(request, response);
  }

 private:
  Function function_;
};

inline HttpRequest request_for(std::string method, std::string path, const char* client = "127.0.0.1") {
  HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.client = {*Address::parse(client), 40000};
  request.headers = {{"Host", "localhost:2020"}};
  return request;
}

}  // namespace sipward::admin::test
