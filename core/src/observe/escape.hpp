#pragma once

#include <string>
#include <string_view>

// Makes text from anywhere safe to print. What is not UTF-8 never leaves as it came.
namespace sipward::observe {

// Appends `text` in double quotes as a JSON string (RFC 8259 7); an octet that is no UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// Appends `text` for people: as it is when it is one plain word, else in double quotes. Quotes, backslashes,
// control characters (C1 and the ones that turn the direction of text included) and octets that are no UTF-8
// are escaped, so that the result stays on its line and shows what was there.
void append_console_value(std::string& out, std::string_view text);
// The same without ever quoting.
void append_console_text(std::string& out, std::string_view text);

}  // namespace sipward::observe
