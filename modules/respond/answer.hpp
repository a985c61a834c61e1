#pragma once

#include <string>
#include <string_view>

#include "sipward/net.hpp"
#include "sipward/sip/message.hpp"

namespace sipward::respond {

// Writes answers on top of sip::make_reply. Pure functions.

// Appends every header of that id as `name: value`, folds made one space. False, with `out` as it was, when a
// value holds a control octet and so can't be echoed.
bool copy_headers(const sip::Message& message, sip::HeaderId id, std::string_view name, std::string& out);

// One answer; an SDP body when there is one. False, with `out` empty, when the request can't be answered.
struct Answer {
  int status = 200;
  std::string_view to_tag;
  std::string_view headers;  // whole lines
  std::string_view sdp;
};
bool write_answer(const sip::Message& request, const Endpoint& received_from, const Answer& answer,
                  std::string& out);

}  // namespace sipward::respond
