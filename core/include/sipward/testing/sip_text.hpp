#pragma once

#include <string>
#include <utility>

namespace sipward::test {

// Builds SIP messages for tests: right by default, each part can be changed. Line ends are CRLF.
struct SipText {
  std::string method = "OPTIONS";
  std::string uri = "sip:100@example.com";
  std::string via_host = "192.0.2.10:5060";
  std::string branch = "z9hG4bKbranch1";
  std::string from = "<sip:alice@example.com>";
  std::string from_tag = "ft1";
  std::string to = "<sip:100@example.com>";
  std::string to_tag = {};
  std::string call_id = "call-1@192.0.2.10";
  unsigned cseq = 1;
  std::string extra = {};  // whole lines
  std::string body = {};   // its type is a line of `extra`
  std::string transport = "UDP";

  std::string request() const {
    return method + " " + uri + " SIP/2.0\r\n" + headers() + "Max-Forwards: 70\r\n" +
           (method == "INVITE" ? "Contact: <sip:alice@192.0.2.10>\r\n" : "") + extra + end(body);
  }
  // The answer to this request; `more` is whole lines.
  std::string response(int status, const std::string& tag = "pbxtag", const std::string& more = {}) const {
    SipText answer = *this;
    if (answer.to_tag.empty()) answer.to_tag = tag;
    return "SIP/2.0 " + std::to_string(status) + " Reason\r\n" + answer.headers() + more + end({});
  }

 private:
  static std::string end(const std::string& body) {
    return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string headers() const {
    return "Via: SIP/2.0/" + transport + " " + via_host + ";branch=" + branch + ";rport\r\n" +
           "From: " + from + (from_tag.empty() ? "" : ";tag=" + from_tag) + "\r\n" + "To: " + to +
           (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\n" + "Call-ID: " + call_id + "\r\n" +
           "CSeq: " + std::to_string(cseq) + " " + method + "\r\n";
  }
};

}  // namespace sipward::test
