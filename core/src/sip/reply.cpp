#include "sipward/sip/reply.hpp"

#include <charconv>

#include "lexer.hpp"

namespace sipward::sip {

namespace {

void append_number(std::string& out, unsigned number) {
  char digits[12];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

// A fold becomes one space; false when an octet is left that may not go into a header.
bool append_value(std::string& out, std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\r' || value[i] == '\n') {
      while (i + 1 < value.size() && lexer::is(value[i + 1], lexer::kSpace)) ++i;
      out += ' ';
    } else if (lexer::is_control(value[i])) {
      return false;
    } else {
      out += value[i];
    }
  }
  return true;
}

bool append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  if (!append_value(out, value)) return false;
  out.append("\r\n");
  return true;
}

// The topmost Via, with received and rport as the packet came, and nothing the client claimed about them.
bool append_top_via(std::string& out, std::string_view line_value, const Endpoint& from) {
  const Via via = parse_via(line_value);
  const std::string_view whole = trim(line_value);
  const std::size_t sent_by = static_cast<std::size_t>(via.value.size()) - via.parameters.size();
  std::string_view front = via.value.substr(0, sent_by);
  if (!front.empty() && front.back() == ';') front.remove_suffix(1);
  out.append("Via: ");
  if (!append_value(out, trim(front))) return false;
  ParameterReader reader(via.parameters);
  Parameter p;
  for (std::size_t n = 0; n < kMaxParameters && reader.next(p); ++n) {
    if (iequals(p.name, "received") || iequals(p.name, "rport")) continue;
    out += ';';
    out.append(p.name);
    if (!p.has_value) continue;
    out += '=';
    if (!append_value(out, p.value)) return false;
  }
  out.append(";received=").append(from.address.to_string());
  if (via.has_rport) {
    out.append(";rport=");
    append_number(out, from.port);
  }
  if (!append_value(out, whole.substr(via.value.size()))) return false;  // further Vias on the same line
  out.append("\r\n");
  return true;
}

bool append_vias(const Message& request, const Endpoint& from, std::string& out) {
  bool first = true;
  bool ok = true;
  request.for_each(HeaderId::via, [&](const Header& h) {
    ok = ok && (first ? append_top_via(out, h.value, from) : append_header(out, "Via", h.value));
    first = false;
  });
  return ok;
}

bool append_to(const Message& request, int status, std::string_view tag, std::string& out) {
  const std::string_view value = request.value(HeaderId::to);
  const NameAddr to = parse_name_addr(value);
  if (value.empty()) return false;
  out.append("To: ");
  if (!append_value(out, value)) return false;
  // Behind a value that cannot be read a tag would mean nothing.
  const bool readable = !(to.unbalanced || to.list || to.junk || to.uri.empty());
  if (readable && to.tag.empty() && !tag.empty() && status != 100) out.append(";tag=").append(tag);
  out.append("\r\n");
  return true;
}

bool write(const Message& request, int status, std::string_view reason, std::string_view to_tag,
           const Endpoint& from, std::string_view extra, std::string& out) {
  if (request.kind() != Kind::request || request.method() == Method::ack) return false;
  if (!parse_via(request.value(HeaderId::via)).sent_by_ok || request.value(HeaderId::cseq).empty() ||
      request.call_id().empty() || request.value(HeaderId::from).empty()) {
    return false;
  }
  out.append("SIP/2.0 ");
  append_number(out, static_cast<unsigned>(status));
  out += ' ';
  out.append(reason).append("\r\n");
  if (!append_vias(request, from, out)) return false;
  if (!append_header(out, "From", request.value(HeaderId::from))) return false;
  if (!append_to(request, status, to_tag, out)) return false;
  if (!append_header(out, "Call-ID", request.call_id())) return false;
  if (!append_header(out, "CSeq", request.value(HeaderId::cseq))) return false;
  out.append(extra).append("Content-Length: 0\r\n\r\n");
  return true;
}

}  // namespace

bool make_reply(const Message& request, int status, std::string_view reason, std::string_view to_tag,
                const Endpoint& received_from, std::string_view extra_headers, std::string& out) {
  out.clear();
  const bool ok = status >= 100 && status <= 699 &&
                  write(request, status, reason, to_tag, received_from, extra_headers, out);
  if (!ok) out.clear();
  return ok;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Trying";
    case 180:
      return "Ringing";
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 413:
      return "Request Entity Too Large";
    case 414:
      return "Request-URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Unsupported URI Scheme";
    case 420:
      return "Bad Extension";
    case 423:
      return "Interval Too Brief";
    case 480:
      return "Temporarily Unavailable";
    case 481:
      return "Call/Transaction Does Not Exist";
    case 482:
      return "Loop Detected";
    case 483:
      return "Too Many Hops";
    case 486:
      return "Busy Here";
    case 487:
      return "Request Terminated";
    case 488:
      return "Not Acceptable Here";
    case 500:
      return "Server Internal Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "Version Not Supported";
    case 513:
      return "Message Too Large";
    case 603:
      return "Decline";
    default:
      break;
  }
  switch (status / 100) {
    case 1:
      return "Trying";
    case 2:
      return "OK";
    case 3:
      return "Redirect";
    case 4:
      return "Bad Request";
    case 5:
      return "Server Error";
    default:
      return "Decline";
  }
}

}  // namespace sipward::sip
