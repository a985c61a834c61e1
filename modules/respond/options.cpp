#include "options.hpp"

namespace sipward::respond {

Options read_options(const config::Node& node, config::Errors& errors) {
  using std::chrono::milliseconds;
  Options o;
  o.position = node.position;
  config::Reader r(node, errors);
  r.values("users", "names and ranges of extensions such as alice or 100-199",
           [&](const config::Arg& arg) { return o.users.add(arg.text); });
  r.duration("min_expires", o.min_expires, config::Place::option, std::chrono::seconds(1));
  r.duration("max_expires", o.max_expires, config::Place::option, std::chrono::seconds(1),
             std::chrono::hours(24 * 30));
  r.number("max_contacts", o.max_contacts, 1, 50);
  r.number("max_calls", o.max_calls, 1, 100'000);
  r.duration("answer_after", o.answer_after, config::Place::option, milliseconds(0), std::chrono::minutes(3));
  r.finish();
  if (!r.given("users")) o.users.add("100-199");
  return o;
}

}  // namespace sipward::respond
