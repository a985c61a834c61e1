#include <iostream>

#include "sipward/testing/chain.hpp"

using namespace sipward::test;

namespace {

int failures = 0;

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "not so: " << what << '\n';
  ++failures;
}

void options_are_answered_and_counted() {
  Chain chain("hello { allow INVITE ACK BYE }");
  const auto outcome = chain.from_client(SipText{.method = "OPTIONS"}.request());
  check(outcome.fate == Fate::consumed, "OPTIONS go no further");
  check(outcome.status() == 200, "OPTIONS are answered with 200");
  check(outcome.header("Allow") == "INVITE, ACK, BYE", "the answer names the methods");
  check(chain.metric("hello_answered_total") == 1, "the answer is counted");
}

void everything_else_passes() {
  Chain chain("hello");
  const SipText invite{.method = "INVITE"};
  check(chain.from_client(invite.request()).fate == Fate::forwarded, "INVITE reaches the upstream");
  check(chain.from_upstream(invite.response(486)).status() == 486, "its answer reaches the client");
  check(chain.from_client("\r\n\r\n").fate == Fate::forwarded, "keep-alives pass");
}

void mistakes_are_shown_where_they_are() {
  const auto problems = Chain::problems("hello {\n    status 100\n}");
  check(problems.find("Sipfile:2:12: status wants a number from 200 to 699") == 0, "a status has a range");
  check(!Chain::problems("hello {\n    status 404\n    allow BYE\n}").empty(), "a refusal names no methods");
  check(Chain::problems("hello { alow INVITE }").find("unknown option 'alow'") != std::string::npos,
        "an unknown option is an error");
}

}  // namespace

int main() {
  options_are_answered_and_counted();
  everything_else_passes();
  mistakes_are_shown_where_they_are();
  return failures == 0 ? 0 : 1;
}
