#include "calls.hpp"

#include <string>

#include "answer.hpp"
#include "sdp.hpp"

namespace sipward::respond {
namespace {

using sip::HeaderId;
using sip::Method;

// What a call remembers of its INVITE grows with the Vias and Record-Routes that came in it.
constexpr std::size_t kMaxStored = 8 * 1024;

// Where the caller sends its further requests. It is the address that the caller used, not ours: behind a
// relay ours would lead past the relay.
void write_contact(const Request& r, std::string& out) {
  const sip::Uri& uri = r.message.uri();
  const bool secure = uri.scheme == sip::Scheme::sips;
  out.append("Contact: <").append(secure ? "sips:" : "sip:");
  if (!uri.user.empty()) out.append(uri.user).append("@");
  if (uri.host.empty()) {  // tel:
    out.append(r.packet.peer().local.to_string());
  } else {
    out.append(uri.host);
    if (uri.port != 0) out.append(":").append(std::to_string(uri.port));
  }
  if (!secure && is_stream(r.packet.transport())) out.append(";transport=tcp");
  out.append(">\r\n");
}

// Writes the description that answers the request's offer, or an offer of ours when it has none.
bool write_sdp(const Request& r, unsigned version) {
  const SdpOrigin origin{r.packet.peer().local.address, r.identity(), version};
  if (!r.message.body().empty()) return answer_offer(r.message.body(), origin, r.calls.sdp);
  r.calls.sdp = make_offer(origin);
  return true;
}

// False when it was refused.
bool check_body(const Request& r, unsigned version) {
  const auto encoding = r.message.value(HeaderId::content_encoding);
  if (!r.message.body().empty() &&
      (!is_sdp(r.message) || (!encoding.empty() && !sip::iequals(encoding, "identity")))) {
    r.answer(415, kAccept);
    return false;
  }
  if (!write_sdp(r, version)) {
    r.answer(488, kAccept);
    return false;
  }
  return true;
}

// The lines of an answer that makes or refreshes a dialog (RFC 3261 12.1.1), in r.calls.headers.
bool write_dialog_headers(const Request& r) {
  std::string& headers = r.calls.headers;
  headers.clear();
  if (!copy_headers(r.message, HeaderId::record_route, "Record-Route", headers)) return false;
  write_contact(r, headers);
  headers.append(kAllow);
  return true;
}

void take_first_invite(const Request& r) {
  if (!r.knows(r.message.uri())) return r.answer(404);
  if (!check_body(r, 1)) return;
  if (!write_dialog_headers(r)) return r.answer(400);

  const Endpoint& from = r.packet.peer().remote;
  const std::string_view tag = r.our_tag();
  std::string ringing, answer, refusal;
  write_answer(r.message, from, {180, tag, r.calls.headers, {}}, ringing);
  write_answer(r.message, from, {200, tag, r.calls.headers, r.calls.sdp}, answer);
  write_answer(r.message, from, {487, tag, {}, {}}, refusal);
  if (ringing.empty() || answer.empty() || refusal.empty()) return;
  if (answer.size() > kMaxStored) return r.answer(513);

  const Time now = r.packet.now();
  const CallTable::Limits limits{.calls = r.options.max_calls};
  Call* const call = r.calls.table.open(r.key(), r.packet.peer(), now + r.options.answer_after, limits);
  if (call == nullptr) return r.answer(503, kTryAgain);
  call->identity = r.identity();
  call->via = r.via();
  call->invite_cseq = call->remote_cseq = r.message.cseq().number;
  call->reply = std::move(ringing);
  call->answer = std::move(answer);
  call->refusal = std::move(refusal);
  if (r.options.answer_after.count() != 0) {
    r.answer(100);
    r.calls.deliver(call->peer, call->reply);
  }
}

void take_reinvite(const Request& r, Call& call) {
  if (!check_body(r, call.sdp_version + 1)) return;
  if (!write_dialog_headers(r)) return r.answer(400);
  std::string answer;
  // The dialog's tag came in the To header, so none is added.
  write_answer(r.message, r.packet.peer().remote, {200, {}, r.calls.headers, r.calls.sdp}, answer);
  if (answer.empty()) return;
  if (answer.size() > kMaxStored) return r.answer(513);
  ++call.sdp_version;
  call.invite_cseq = r.message.cseq().number;
  call.via = r.via();
  call.reply = std::move(answer);
  r.calls.table.answered(call, r.packet.peer(), r.packet.now());
  r.calls.deliver(call.peer, call.reply);
}

// Whether the request's CSeq may follow what the dialog has seen (RFC 3261 12.2.2); refuses it when not.
bool in_order(const Request& r, Call& call) {
  const std::uint32_t number = r.message.cseq().number;
  if (number < call.remote_cseq) {
    r.answer(500);
    return false;
  }
  call.remote_cseq = number;
  r.calls.table.touch(call, r.packet.now());
  return true;
}

void take_update(const Request& r, Call& call) {
  if (r.message.body().empty()) {
    if (!write_dialog_headers(r)) return r.answer(400);
    return r.answer(200, r.calls.headers);
  }
  // The INVITE's own offer is not answered while it rings (RFC 3311 5.2).
  if (call.state == Call::State::ringing) return r.answer(500, kTryAgain);
  if (!check_body(r, call.sdp_version + 1)) return;
  if (!write_dialog_headers(r)) return r.answer(400);
  ++call.sdp_version;
  r.answer(200, r.calls.headers, r.calls.sdp);
}

}  // namespace

void take_invite(const Request& r) {
  Call* const call = r.call();
  const Time now = r.packet.now();
  if (call != nullptr && call->invite_cseq == r.message.cseq().number) {
    // RFC 3261 8.2.2.2: the same request by another way. A retransmission gets the last answer again, until
    // that was acknowledged.
    if (call->via != r.via()) return r.answer(482);
    const bool finished = call->state == Call::State::confirmed || call->state == Call::State::ended;
    if (!finished) r.calls.deliver(call->peer, call->reply);
  } else if (!r.has_tag()) {
    take_first_invite(r);
  } else if (call == nullptr || !call->in_dialog()) {
    r.answer(481);
  } else if (in_order(r, *call)) {
    take_reinvite(r, *call);
  }
  r.calls.run(now);
}

void take_ack(const Request& r) {
  Call* const call = r.call();
  if (call == nullptr || call->invite_cseq != r.message.cseq().number) return;
  if (call->state != Call::State::answered && call->state != Call::State::refused) return;
  r.calls.table.acknowledged(*call, r.packet.now());
  r.calls.run(r.packet.now());
}

void take_cancel(const Request& r) {
  Call* const call = r.call();
  // RFC 3261 9.2: the INVITE it cancels has the same Via. Too late for one that was answered.
  if (call == nullptr || call->via != r.via()) return r.answer(481);
  r.answer(200);
  if (call->state != Call::State::ringing) return;
  r.calls.refuse(*call, r.packet.now());
}

void take_in_dialog(const Request& r) {
  Call* const call = r.has_tag() ? r.call() : nullptr;
  const Method method = r.message.method();
  if (call == nullptr) return r.answer(481);
  if (call->state == Call::State::ended) return r.answer(method == Method::bye ? 200 : 481);
  if (call->state == Call::State::refused) return r.answer(481);
  if (!in_order(r, *call)) return;
  if (method == Method::update) return take_update(r, *call);
  r.answer(200, method == Method::options ? std::string(kAllow).append(kAccept) : std::string());
  if (method != Method::bye) return;
  if (call->state == Call::State::ringing) {
    r.calls.refuse(*call, r.packet.now());  // RFC 3261 15.1.2: a BYE while it rings ends the INVITE too
  } else {
    r.calls.table.end(*call, r.packet.now());
    r.calls.run(r.packet.now());
  }
}

}  // namespace sipward::respond
