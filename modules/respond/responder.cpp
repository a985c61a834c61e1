#include "responder.hpp"

#include <string>

#include "calls.hpp"
#include "registering.hpp"
#include "request.hpp"
#include "sipward/build_context.hpp"

namespace sipward::respond {
namespace {

using sip::HeaderId;
using sip::Method;

constexpr std::size_t kMaxCallId = 512;
constexpr std::size_t kMaxRequestUri = 255;

bool handles(Method method) {
  switch (method) {
    case Method::register_:
    case Method::invite:
    case Method::ack:
    case Method::bye:
    case Method::cancel:
    case Method::options:
    case Method::info:
    case Method::message:
    case Method::update:
      return true;
    default:
      return false;
  }
}

// What can't be answered at all, or would put one header into another when parts of it are echoed.
bool hopeless(sip::Message& m) {
  using sip::Defect;
  return !m.via().ok || !m.from().ok || !m.to().ok || m.call_id().empty() ||
         m.call_id().size() > kMaxCallId || !m.cseq().ok ||
         m.defects().any_of({Defect::nul_in_head, Defect::control_in_head, Defect::bare_cr});
}

// The status that refuses the request before anybody asks what it wants (RFC 3261 8.2), or 0.
int refuse_form(sip::Message& m) {
  if (m.defects().has(sip::Defect::bad_version)) return 505;
  if (!m.framed() || m.defects().has(sip::Defect::body_short)) return 400;
  if (m.cseq().method_name != m.method_name()) return 400;
  if (!handles(m.method())) return m.method() == Method::other ? 501 : 405;
  switch (m.uri().scheme) {
    case sip::Scheme::sip:
    case sip::Scheme::sips:
    case sip::Scheme::tel:
      break;
    case sip::Scheme::urn:
    case sip::Scheme::other:
      return 416;
    case sip::Scheme::none:
      return 400;
  }
  if (!m.uri().ok || m.uri().escaped_crlf || m.uri().escaped_nul) return 400;
  return m.request_uri().size() > kMaxRequestUri ? 414 : 0;
}

// RFC 3261 8.2.2.3: no extension is supported, so whatever is required is not. Writes the Unsupported header.
bool requires_extension(const sip::Message& m, std::string& headers) {
  constexpr std::size_t kMaxTags = 20;
  headers.clear();
  sip::ValueReader reader(m, HeaderId::require);
  std::size_t count = 0;
  for (std::string_view tag; reader.next(tag) && count < kMaxTags;) {
    if (!sip::is_token(tag)) continue;
    headers.append(count++ == 0 ? "Unsupported: " : ", ").append(tag);
  }
  if (count != 0) headers.append("\r\n");
  return count != 0;
}

}  // namespace

void Responder::validate(config::Errors& errors) const {
  if (options_.min_expires > options_.max_expires) {
    errors.add(options_.position, "min_expires is greater than max_expires");
  }
}

void Responder::provision(BuildContext& context) {
  exchange_ = context.services.find_or_make<Exchange>(
      "respond/1", [&] { return std::make_shared<Exchange>(context.workers, context.clock); });
}

Verdict Responder::on_inbound(Packet& packet) const {
  if (packet.is_keep_alive()) return Verdict::consumed;
  sip::Message& message = packet.sip();
  // Responses have nothing to answer: no request was sent.
  if (message.kind() != sip::Kind::request || hopeless(message)) return Verdict::drop;
  // So that guards in front can judge the answer. Without one, because another client's has the same key, it
  // is answered all the same: the answer goes to its sender only.
  if (message.method() != Method::ack) packet.begin_transaction();
  Request request(packet, message, *exchange_, exchange_->calls(packet.worker()), options_);
  serve(request);
  return Verdict::consumed;
}

void Responder::serve(Request& r) const {
  const Method method = r.message.method();
  if (method == Method::ack) return take_ack(r);
  if (const int status = refuse_form(r.message); status != 0) {
    return r.answer(status, status == 405 || status == 501 ? kAllow : std::string_view());
  }
  if (method == Method::cancel) return take_cancel(r);
  if (requires_extension(r.message, r.calls.headers)) return r.answer(420, r.calls.headers);
  switch (method) {
    case Method::register_:
      return take_register(r);
    case Method::invite:
      return take_invite(r);
    case Method::options:
    case Method::message:
      if (r.has_tag()) break;
      // An OPTIONS for no user at all asks about the server (RFC 3261 11.2).
      if (!(method == Method::options && r.message.uri().user.empty()) && !r.knows(r.message.uri())) {
        return r.answer(404);
      }
      return r.answer(200, std::string(kAllow).append(kAccept));
    default:
      break;
  }
  take_in_dialog(r);
}

}  // namespace sipward::respond
