#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sipward/sip/message.hpp"

namespace sipward::sip {

// Changes to a message on its way: noted first, then applied in one pass while the message is copied out.
// What no change names leaves octet for octet as it came. Nothing is parsed again, and once its buffers have
// grown nothing is allocated: reuse one object for many messages.
//
// A part is a view into the message's octets(). Parts may not overlap, except that what lies inside a removed
// or replaced part goes with it. Insertions at one place keep their order. For one thread.
class Edit {
 public:
  // Forgets what was noted. The message and its octets must outlive write(), and must not be parsed anew.
  void begin(const Message& message);

  void replace(std::string_view part, std::string_view with);
  void remove(std::string_view part) { replace(part, {}); }
  void insert_before(std::string_view part, std::string_view text);
  void insert_after(std::string_view part, std::string_view text);

  // Whole header lines, each ended by CRLF, above every other header: so they are the topmost of their name
  // (RFC 3261 16.6 steps 4 and 8).
  void put_first(std::string_view lines);
  // Of a header, all between the white space around it.
  void replace_value(const Header& header, std::string_view value) { replace(header.value, value); }
  // Every line of that header, in any spelling.
  void remove_all(HeaderId id);
  // Of a list header, over all its lines, the elements for which `drop(std::string_view element)` is true,
  // called once for each in order. A line that keeps none goes as a whole; in others a comma goes with each
  // element, and the octets of those that stay are not touched. For the headers that ListReader can cut.
  template <typename Drop>
  void remove_values(HeaderId id, Drop&& drop);

  // The message as changed, in place of what `out` held; its capacity is reused.
  void write(std::string& out);

 private:
  struct Patch {
    std::size_t at, length;       // in the message
    std::size_t text, text_size;  // in text_
  };
  void add(const char* at, std::size_t length, std::string_view with);

  const Message* message_ = nullptr;
  std::vector<Patch> patches_;
  std::string text_;
};

template <typename Drop>
void Edit::remove_values(HeaderId id, Drop&& drop) {
  message_->for_each(id, [&](const Header& h) {
    ListReader elements(h.value);
    bool kept = false;
    const char* last = h.value.data();  // the end of the element before
    for (std::string_view element; elements.next(element); last = element.data() + element.size()) {
      const auto end = element.data() + element.size();
      if (!drop(element)) {
        if (!kept) remove({h.value.data(), static_cast<std::size_t>(element.data() - h.value.data())});
        kept = true;
      } else if (kept) {
        remove({last, static_cast<std::size_t>(end - last)});
      }
    }
    if (!kept) remove(h.line);
  });
}

}  // namespace sipward::sip
