#include <catch2/catch.hpp>

#include "registrar.hpp"
#include "stand.hpp"

using namespace sipward;
using namespace sipward::respond;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

Text registration(const std::string& extra, unsigned cseq = 1, const std::string& user = "100") {
  Text text;
  text.method = "REGISTER";
  text.uri = "sip:192.0.2.1";
  text.to = "<sip:" + user + "@192.0.2.1>";
  text.cseq = cseq;
  text.branch += std::to_string(cseq);
  text.extra = extra;
  return text;
}

}  // namespace

TEST_CASE("a contact is bound for as long as was asked, within limits") {
  struct Case {
    const char* extra;
    const char* contact;
  };
  for (const Case& c : {
           Case{"Contact: <sip:100@198.51.100.7:5062>\r\n", "<sip:100@198.51.100.7:5062>;expires=3600"},
           Case{"Contact: <sip:100@198.51.100.7>\r\nExpires: 120\r\n", "<sip:100@198.51.100.7>;expires=120"},
           Case{"Contact: <sip:100@198.51.100.7>;expires=90\r\nExpires: 120\r\n",
                "<sip:100@198.51.100.7>;expires=90"},
           Case{"m: sip:100@198.51.100.7;expires=60\r\n", "<sip:100@198.51.100.7>;expires=60"},
           Case{"Contact: <sip:100@198.51.100.7>;expires=99999999999999999999\r\n",
                "<sip:100@198.51.100.7>;expires=3600"},
           Case{"Contact: <sip:100@198.51.100.7>\r\nExpires: 99999999\r\n",
                "<sip:100@198.51.100.7>;expires=3600"},
       }) {
    INFO(c.extra);
    Stand stand;
    const std::string answer = stand.answer(registration(c.extra));
    CHECK(status(answer) == 200);
    CHECK(header(answer, "Contact") == c.contact);
  }
}

TEST_CASE("too short an expiry gets 423 with the shortest there is") {
  Stand stand;
  const std::string answer = stand.answer(registration("Contact: <sip:100@198.51.100.7>;expires=59\r\n"));
  CHECK(status(answer) == 423);
  CHECK(header(answer, "Min-Expires") == "60");
}

TEST_CASE("a registration is listed, refreshed, removed and runs out") {
  Stand stand;
  const std::string contact = "Contact: <sip:100@198.51.100.7>\r\n";
  stand.answer(registration(contact + "Expires: 100\r\n", 1));
  stand.after(60s);
  CHECK(header(stand.answer(registration("", 2)), "Contact") == "<sip:100@198.51.100.7>;expires=40");
  CHECK(header(stand.answer(registration(contact + "Expires: 100\r\n", 3)), "Contact") ==
        "<sip:100@198.51.100.7>;expires=100");
  stand.after(99s);
  CHECK_FALSE(header(stand.answer(registration("", 4)), "Contact").empty());
  stand.after(1s);
  CHECK(header(stand.answer(registration("", 5)), "Contact").empty());

  stand.answer(registration(contact, 6));
  CHECK(header(stand.answer(registration("Contact: <sip:100@198.51.100.7>;expires=0\r\n", 7)), "Contact")
            .empty());

  stand.answer(registration(contact + "Contact: <sip:100@203.0.113.9>\r\n", 8));
  const std::string both = stand.answer(registration("", 9));
  CHECK_THAT(both, Contains("198.51.100.7>;expires") && Contains("203.0.113.9>;expires"));
  const std::string none = stand.answer(registration("Contact: *\r\nExpires: 0\r\n", 10));
  CHECK(status(none) == 200);
  CHECK(header(none, "Contact").empty());
}

TEST_CASE("registrations that can't be followed are refused as a whole") {
  struct Case {
    std::string extra;
    int status;
  };
  std::string six;
  for (int i = 1; i <= 6; ++i) six += "Contact: <sip:100@198.51.100." + std::to_string(i) + ">\r\n";
  for (const Case& c : {
           Case{"Contact: *\r\n", 400},
           Case{"Contact: *\r\nExpires: 60\r\n", 400},
           Case{"Contact: *, <sip:100@198.51.100.8>\r\nExpires: 0\r\n", 400},
           Case{"Contact: <sip:100@198.51.100.8\r\n", 400},
           Case{"Contact: nonsense\r\n", 400},
           Case{"Contact: <sip:100%0d%0a@198.51.100.8>\r\n", 400},
           Case{"Contact: <sip:" + std::string(250, 'a') + "@198.51.100.8>\r\n", 513},
           Case{six, 503},
       }) {
    INFO(c.extra);
    Stand stand;
    CHECK(stand.status_of(registration(c.extra)) == c.status);
    CHECK(header(stand.answer(registration("", 2)), "Contact").empty());
  }
}

TEST_CASE("a REGISTER for an unknown user gets 404") {
  Stand stand;
  CHECK(stand.status_of(registration("Contact: <sip:300@198.51.100.7>\r\n", 1, "300")) == 404);
  CHECK(stand.status_of(registration("Contact: <sip:199@198.51.100.7>\r\n", 1, "199")) == 200);
  CHECK(stand.status_of(registration("Contact: <sip:100@198.51.100.7>\r\n", 1, "%31%30%30")) == 200);
}

TEST_CASE("an older REGISTER of the same Call-ID changes nothing, the same one again is answered again") {
  Stand stand;
  const std::string contact = "Contact: <sip:100@198.51.100.7>\r\n";
  const Text second = registration(contact + "Expires: 200\r\n", 2);
  CHECK(stand.status_of(second) == 200);
  CHECK(stand.status_of(registration("Contact: <sip:100@198.51.100.7>;expires=0\r\n", 1)) == 500);
  CHECK(stand.status_of(registration("Contact: *\r\nExpires: 0\r\n", 1)) == 500);
  CHECK(header(stand.answer(second), "Contact") == "<sip:100@198.51.100.7>;expires=200");
}

TEST_CASE("the registrar holds no more than its bound") {
  Registrar registrar;
  std::vector<Registrar::Binding> bindings;
  const Registrar::Contact contact[] = {{"sip:a@198.51.100.7", std::chrono::seconds(60)}};
  const auto bind = [&](std::size_t user) {
    const std::string name = std::to_string(user);
    return registrar.update({name, "id", 1, contact, false, 1}, Time{}, bindings);
  };
  for (std::size_t i = 0; i < Registrar::kMaxBindings; ++i) REQUIRE(bind(i) == Registrar::Outcome::done);
  CHECK(bind(Registrar::kMaxBindings) == Registrar::Outcome::full);
  CHECK(bind(0) == Registrar::Outcome::done);  // a refresh needs no room
  CHECK(registrar.update({"0", "id", 2, {}, true, 1}, Time{}, bindings) == Registrar::Outcome::done);
  CHECK(bind(Registrar::kMaxBindings) == Registrar::Outcome::done);
}

TEST_CASE("min_expires above max_expires is a mistake") {
  config::Errors errors;
  const auto nodes = config::parse_text("Sipfile", "respond { min_expires 2h }", {}, errors);
  Responder responder(read_options(nodes.at(0), errors));
  responder.validate(errors);
  CHECK_THAT(errors.to_string(), Contains("min_expires is greater than max_expires"));
}
