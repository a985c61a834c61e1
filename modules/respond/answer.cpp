#include "answer.hpp"

#include "sipward/sip/reply.hpp"

namespace sipward::respond {
namespace {

bool append_unfolded(std::string_view value, std::string& out) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\r' || c == '\n') {  // RFC 3261 7.3.1: a fold is one space
      while (i + 1 < value.size() && std::string_view("\r\n \t").find(value[i + 1]) != std::string_view::npos)
        ++i;
      out.push_back(' ');
    } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
      return false;
    } else {
      out.push_back(c);
    }
  }
  return true;
}

}  // namespace

bool copy_headers(const sip::Message& message, sip::HeaderId id, std::string_view name, std::string& out) {
  const std::size_t before = out.size();
  bool fine = true;
  message.for_each(id, [&](const sip::Header& header) {
    out.append(name).append(": ");
    fine = fine && append_unfolded(header.value, out);
    out.append("\r\n");
  });
  if (!fine) out.resize(before);
  return fine;
}

bool write_answer(const sip::Message& request, const Endpoint& received_from, const Answer& answer,
                  std::string& out) {
  constexpr std::string_view kNoBody = "Content-Length: 0\r\n\r\n";
  if (!sip::make_reply(request, answer.status, sip::reason_phrase(answer.status), answer.to_tag,
                       received_from, answer.headers, out)) {
    return false;
  }
  if (answer.sdp.empty()) return true;
  if (!std::string_view(out).ends_with(kNoBody)) {
    out.clear();
    return false;
  }
  out.resize(out.size() - kNoBody.size());
  out.append("Content-Type: application/sdp\r\nContent-Length: ").append(std::to_string(answer.sdp.size()));
  out.append("\r\n\r\n").append(answer.sdp);
  return true;
}

}  // namespace sipward::respond
