#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "password_checker.hpp"
#include "sipward/http.hpp"
#include "sipward/module.hpp"

namespace sipward::admin {

// A handler that lets only requests with its credentials pass, and marks them authenticated. Where several
// stand beside each other, one of them is enough.
class CredentialsHandler : public HttpHandler {};

// basic_auth [bcrypt [REALM]] { USER HASH … } (RFC 7617)
class BasicAuth final : public CredentialsHandler {
 public:
  struct User {
    std::string name;
    std::string hash;
  };
  BasicAuth(std::string realm, std::vector<User> users);
  static std::unique_ptr<HttpHandler> create(const config::Node& node, CreateContext& context);
  void provision(BuildContext& context) override;
  void use(std::shared_ptr<PasswordChecker> checker) { checker_ = std::move(checker); }
  Outcome handle(HttpRequest& request, HttpResponse& response) const override;

 private:
  PasswordChecker::Answer check(const HttpRequest& request) const;

  std::string realm_;
  std::vector<User> users_;
  std::shared_ptr<PasswordChecker> checker_;
};

// bearer_auth TOKEN… (RFC 6750 2.1)
class BearerAuth final : public CredentialsHandler {
 public:
  explicit BearerAuth(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}
  static std::unique_ptr<HttpHandler> create(const config::Node& node, CreateContext& context);
  Outcome handle(HttpRequest& request, HttpResponse& response) const override;

 private:
  std::vector<std::string> tokens_;
};

// allow_unauthenticated: what is otherwise only for this machine is answered to everybody.
class AllowUnauthenticated final : public HttpHandler {
 public:
  static std::unique_ptr<HttpHandler> create(const config::Node& node, CreateContext& context);
  Outcome handle(HttpRequest& request, HttpResponse& response) const override;
};

// What stands behind the scheme in an Authorization header, or empty when it names another scheme.
std::string_view credentials_of(std::string_view authorization, std::string_view scheme);
// False when the text is no base64 (RFC 4648 4, with padding).
bool base64_decode(std::string_view text, std::string& out);

}  // namespace sipward::admin
