#include "request.hpp"

#include <charconv>
#include <string>

#include "answer.hpp"

namespace sipward::respond {
namespace {

std::array<char, 16> to_hex(std::uint64_t number) {
  std::array<char, 16> out;
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, number >>= 4) {
    *digit = "0123456789abcdef"[number & 0xf];
  }
  return out;
}

bool from_hex(std::string_view text, std::uint64_t& out) {
  if (text.size() != 16) return false;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc() && at == text.data() + text.size();
}

}  // namespace

Request::Request(Packet& p, sip::Message& m, Exchange& e, WorkerCalls& c, const Options& o)
    : packet(p), message(m), exchange(e), calls(c), options(o) {
  const HashKey& secret = packet.worker().sources().key();
  std::string& text = calls.text;  // free until an answer is written
  // Neither field can hold the NUL that parts them: such a message was refused before.
  text.assign("respond").append(1, '\0').append(m.call_id()).append(1, '\0').append(m.from().tag);
  identity_ = keyed_hash(secret, text);
  text.append(1, '\0').append(std::to_string(m.cseq().number));
  key_ = keyed_hash(secret, text);
  tag_ = to_hex(key_);
}

std::uint64_t Request::via() const {
  return keyed_hash(packet.worker().sources().key(), message.via().value);
}

Call* Request::call() const {
  std::uint64_t number = key_;
  if (has_tag() && !from_hex(message.to().tag, number)) return nullptr;
  Call* const found = calls.table.find(number);
  return found != nullptr && found->identity == identity_ ? found : nullptr;
}

bool Request::knows(const sip::Uri& uri) const {
  std::array<char, 256> buffer;
  return options.users.contains(sip::normalise_user(uri.user, buffer, uri.scheme));
}

void Request::answer(int status, std::string_view headers, std::string_view sdp) const {
  const Answer what{status, status == 100 ? std::string_view() : our_tag(), headers, sdp};
  if (!write_answer(message, packet.peer().remote, what, calls.text)) return;
  calls.deliver(packet.peer(), calls.text);
}

bool is_sdp(const sip::Message& message) {
  const auto type = message.value(sip::HeaderId::content_type);
  return sip::iequals(sip::trim(type.substr(0, type.find(';'))), "application/sdp");
}

}  // namespace sipward::respond
