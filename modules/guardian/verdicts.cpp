#include "verdicts.hpp"

namespace sipward::guardian {
namespace {

Judgement challenged(const Answer& a) {
  if (!a.credentials) return {};  // the first leg of every authentication
  if (a.stale) return {Effect::stale_nonce, Reason::stale_nonce, false};
  if (!a.nonce_known) return {Effect::unknown_nonce, Reason::stale_nonce, false};
  return {Effect::failure, Reason::wrong_password, false};
}

Judgement refused(const Answer& a, Reason reason) {
  if (a.known || a.in_dialog || !probes(a.method)) return {};
  return {Effect::failure, reason, a.proof == Proof::none && a.method == sip::Method::invite};
}

}  // namespace

bool probes(sip::Method method) {
  switch (method) {
    case sip::Method::register_:
    case sip::Method::invite:
    case sip::Method::subscribe:
    case sip::Method::options:
    case sip::Method::message:
      return true;
    default:
      return false;
  }
}

Judgement judge(const Answer& a) {
  if (a.status >= 200 && a.status < 300) {
    const bool proven_register = a.method == sip::Method::register_ && a.proof != Proof::none;
    return a.credentials || proven_register ? Judgement{Effect::success, Reason::none, false} : Judgement{};
  }
  switch (a.status) {
    case 401:
    case 407:
      return challenged(a);
    case 403:
      return refused(a, Reason::forbidden);
    case 404:
    case 484:
    case 604:
      return refused(a, Reason::unknown_user);
    default:
      return {};
  }
}

}  // namespace sipward::guardian
