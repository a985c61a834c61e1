#include "hop_exchanges.hpp"

#include <algorithm>

#include "hop_rules.hpp"

namespace sipward::proxy {
namespace {

constexpr Time kNever = Time::max();

}  // namespace

void write_follower(const sip::Message& invite, std::string_view method, std::string_view to,
                    std::string& out) {
  const auto line = [&](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  out.assign(method);
  out.append(" ").append(invite.request_uri()).append(" SIP/2.0\r\n");
  if (const auto* via = invite.header(sip::HeaderId::via)) out.append(via->line);  // we wrote it: ours alone
  line("Max-Forwards", "70");
  invite.for_each(sip::HeaderId::route, [&](const sip::Header& h) { out.append(h.line); });
  line("From", invite.value(sip::HeaderId::from));
  line("To", to);
  line("Call-ID", invite.call_id());
  const auto number = sip::parse_cseq(invite.value(sip::HeaderId::cseq)).number;
  out.append("CSeq: ");
  append(out, number);
  out.append(" ").append(method).append("\r\nContent-Length: 0\r\n\r\n");
}

Exchange* Exchanges::find(std::uint64_t key) {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : it->second.get();
}

void Exchanges::keep(std::string& place, std::string_view octets) {
  octets_ -= place.size();
  place.assign(octets);
  octets_ += place.size();
}

Exchange* Exchanges::begin(const Exchange& what, std::string_view request, Time now) {
  if (by_key_.size() >= kMost || octets_ + request.size() > kMostOctets) return nullptr;
  auto& slot = by_key_[what.key];
  if (slot) return slot.get();
  slot = std::make_unique<Exchange>();
  auto& e = *slot;
  e.key = what.key;
  e.method = what.method;
  e.from_client = what.from_client;
  e.repeats = what.repeats;
  e.client = what.client;
  e.upstream = what.upstream;
  keep(e.request, request);
  e.interval = kT1;
  e.repeat_at = e.repeats ? now + kT1 : kNever;
  e.ends = now + kTransaction;
  schedule(e);
  return &e;
}

void Exchanges::schedule(Exchange& e) {
  e.due = std::min(e.repeat_at, e.ends);
  wheel_.wait(e);
}

void Exchanges::finish(Exchange& e, Exchange::State state, Time ends) {
  e.state = state;
  e.repeat_at = kNever;
  e.ends = ends;
  schedule(e);
}

void Exchanges::erase(Exchange& e) {
  octets_ -= e.request.size() + e.answer.size();
  by_key_.erase(e.key);
}

void Exchanges::repeated(Exchange& e) {
  if (!e.answer.empty() && e.state != Exchange::State::confirmed) ways_.send_answer(e, e.answer);
}

bool Exchanges::answered(Exchange& e, sip::Message& answer, Time now) {
  using State = Exchange::State;
  const auto status = answer.status();
  const bool invite = e.method == sip::Method::invite;
  const bool over = e.state == State::completed || e.state == State::confirmed;
  if (e.method == sip::Method::cancel) {
    if (status >= 200) finish(e, State::completed, now + kT4);
    return false;
  }
  if (status < 200) {
    if (over || e.state == State::accepted) return false;
    e.state = State::proceeding;
    if (invite) {
      e.repeat_at = kNever;
      e.ends = now + kRinging;
    } else if (e.repeats) {
      e.interval = kT2;
    }
    schedule(e);
    if (e.cancel_wanted) send_cancel(e, now);
    return status > 100 || !std::exchange(e.gave_100, true);
  }
  if (invite && status < 300) {
    finish(e, State::accepted, now + kTransaction);
    return true;
  }
  if (invite) acknowledge(e, answer);
  if (over || e.state == State::accepted) return false;
  finish(e, State::completed, now + (invite || !e.repeats ? Duration(kTransaction) : Duration(kT4)));
  return true;
}

void Exchanges::acknowledge(Exchange& e, const sip::Message& answer) {
  message_.parse(e.request, sip::Framing::datagram);
  write_follower(message_, "ACK", answer.value(sip::HeaderId::to), scratch_);
  ways_.send_request(e, scratch_);
}

bool Exchanges::acknowledged(Exchange& e, Time now) {
  if (e.state == Exchange::State::completed) finish(e, Exchange::State::confirmed, now + kTransaction);
  return e.state == Exchange::State::confirmed;
}

void Exchanges::given(Exchange& e, std::string_view octets, unsigned status, Time now) {
  keep(e.answer, octets);
  if (e.method != sip::Method::invite || status < 300) return;
  e.interval = kT1;
  e.repeat_at = now + kT1;
  schedule(e);
}

void Exchanges::cancel(Exchange& e, Time now) {
  if (e.state == Exchange::State::calling)
    e.cancel_wanted = true;
  else if (e.state == Exchange::State::proceeding)
    send_cancel(e, now);
}

void Exchanges::send_cancel(Exchange& e, Time now) {
  e.cancel_wanted = false;
  message_.parse(e.request, sip::Framing::datagram);
  write_follower(message_, "CANCEL", message_.value(sip::HeaderId::to), scratch_);
  ways_.send_request(e, scratch_);
  Exchange follower;
  follower.key = cancel_key(e.key);
  follower.method = sip::Method::cancel;
  follower.from_client = e.from_client;
  follower.repeats = e.repeats;
  follower.client = e.client;
  follower.upstream = e.upstream;
  begin(follower, scratch_, now);
  e.ends = std::min(e.ends, now + kTransaction);  // RFC 3261 9.1: no answer for so long, and it is over
  schedule(e);
}

void Exchanges::turn(Time now) {
  wheel_.turn(now, [&](Exchange& e) { due(e, now); });
}

void Exchanges::due(Exchange& e, Time now) {
  using State = Exchange::State;
  const bool waits = e.state == State::calling || e.state == State::proceeding;
  if (e.ends <= now) {
    if (waits && e.method == sip::Method::invite) {
      // What comes of it later is answered here.
      if (e.state == State::proceeding) send_cancel(e, now);
      finish(e, State::completed, now + kTransaction);
      ways_.give_up(e);
      return;
    }
    return erase(e);
  }
  if (e.repeat_at <= now) {
    waits ? ways_.send_request(e, e.request) : ways_.send_answer(e, e.answer);
    e.interval *= 2;
    if (e.method != sip::Method::invite || !waits) e.interval = std::min<Duration>(e.interval, kT2);
    e.repeat_at += e.interval;
  }
  schedule(e);
}

}  // namespace sipward::proxy
