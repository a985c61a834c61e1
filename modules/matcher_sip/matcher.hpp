#pragma once

#include "options.hpp"
#include "sipward/handler.hpp"

namespace sipward::sip {
class Message;
struct NameAddr;
}  // namespace sipward::sip

namespace sipward::matcher_sip {

// Takes what is a SIP message, however malformed its headers are: judging those is the work of the handlers.
// Its options filter requests only. Responses and keep-alives always match, else a phone could not answer a
// call. Immutable; safe to call from any thread.
class SipMatcher final : public Matcher {
 public:
  explicit SipMatcher(Options options) : options_(std::move(options)) {}

  void validate(config::Errors& errors) const override;  // warns about method lists that break calls
  Match match(Packet& packet) const override;

 private:
  bool takes(sip::Message& request) const;

  Options options_;
};

}  // namespace sipward::matcher_sip
