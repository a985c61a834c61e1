#include "verdicts.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::guardian;
using sip::Method;

TEST_CASE("the PBX's answer says what a request was") {
  struct Case {
    const char* what;
    Answer answer;
    Effect effect;
    Reason reason = Reason::none;
  };
  const auto with = [](Method method, unsigned status, bool credentials, bool nonce_known,
                       Proof proof = Proof::none) {
    Answer a;
    a.method = method;
    a.status = status;
    a.credentials = credentials;
    a.nonce_known = nonce_known;
    a.proof = proof;
    return a;
  };
  auto stale = with(Method::register_, 401, true, true, Proof::nonce);
  stale.stale = true;
  auto known = with(Method::invite, 404, true, true, Proof::nonce);
  known.known = true;
  auto dialog = with(Method::invite, 404, false, false, Proof::to_tag);
  dialog.in_dialog = true;
  const Case cases[] = {
      {"a first challenge", with(Method::register_, 401, false, false), Effect::nothing},
      {"a wrong password", with(Method::register_, 401, true, true, Proof::nonce), Effect::failure,
       Reason::wrong_password},
      {"a wrong password to a proxy", with(Method::invite, 407, true, true, Proof::nonce), Effect::failure,
       Reason::wrong_password},
      {"a cached nonce", with(Method::register_, 401, true, false), Effect::unknown_nonce,
       Reason::stale_nonce},
      {"a stale nonce", stale, Effect::stale_nonce, Reason::stale_nonce},
      {"a registration", with(Method::register_, 200, true, true, Proof::nonce), Effect::success},
      {"a registration without credentials", with(Method::register_, 200, false, false), Effect::nothing},
      {"the same on a stream", with(Method::register_, 200, false, false, Proof::handshake), Effect::success},
      {"a good OPTIONS", with(Method::options, 200, false, false), Effect::nothing},
      {"an unknown user", with(Method::options, 404, false, false), Effect::failure, Reason::unknown_user},
      {"an unknown user to register", with(Method::register_, 404, false, false), Effect::failure,
       Reason::unknown_user},
      {"a registered user misdials", known, Effect::nothing},
      {"a refused re-INVITE", dialog, Effect::nothing},
      {"forbidden", with(Method::register_, 403, true, true, Proof::nonce), Effect::failure,
       Reason::forbidden},
      {"address incomplete", with(Method::invite, 484, false, false), Effect::failure, Reason::unknown_user},
      {"does not exist anywhere", with(Method::invite, 604, false, false), Effect::failure,
       Reason::unknown_user},
      {"an unknown user of INFO", with(Method::info, 404, false, false), Effect::nothing},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    const auto judgement = judge(c.answer);
    CHECK(judgement.effect == c.effect);
    CHECK(judgement.reason == c.reason);
  }
}

TEST_CASE("trouble of the PBX or of the callee counts against nobody") {
  for (const unsigned status : {300U, 302U, 400U, 405U, 408U, 410U, 480U, 481U, 486U, 487U, 488U, 491U, 500U,
                                503U, 504U, 600U, 603U}) {
    Answer answer;
    answer.method = Method::invite;
    answer.status = status;
    answer.credentials = answer.nonce_known = true;
    INFO(status);
    CHECK(judge(answer).effect == Effect::nothing);
  }
}

TEST_CASE("only the ACK can prove who sent an INVITE that was refused") {
  Answer answer;
  answer.method = Method::invite;
  answer.status = 404;
  CHECK(judge(answer).ack_may_prove);
  answer.proof = Proof::handshake;
  CHECK_FALSE(judge(answer).ack_may_prove);
  answer = {};
  answer.method = Method::options;
  answer.status = 404;
  CHECK_FALSE(judge(answer).ack_may_prove);
}
