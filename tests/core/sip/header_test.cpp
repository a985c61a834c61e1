#include "sipward/sip/header.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace sipward::sip;

TEST_CASE("every header name is found in any case, and nothing near it") {
  for (std::size_t i = 1; i < kHeaderIds; ++i) {
    const auto id = static_cast<HeaderId>(i);
    std::string name(to_string(id));
    INFO(name);
    CHECK(parse_header_name(name) == id);
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    CHECK(parse_header_name(name) == id);
    CHECK(parse_header_name(name + "x") == HeaderId::other);
    CHECK(parse_header_name("x" + name) == HeaderId::other);
    for (std::size_t at = 0; at < name.size(); ++at) {
      std::string near = name;
      near[at] = static_cast<char>(near[at] ^ 0x10);
      if (near.size() > 1) CHECK(parse_header_name(near) == HeaderId::other);
      near[at] = name[at] == '-' ? '\r' : '_';
      CHECK(parse_header_name(near) == HeaderId::other);
    }
  }
}

TEST_CASE("compact names are the same headers as the long ones") {
  const struct {
    const char* name;
    HeaderId id;
  } rows[] = {{"a", HeaderId::accept_contact},
              {"b", HeaderId::referred_by},
              {"c", HeaderId::content_type},
              {"d", HeaderId::request_disposition},
              {"e", HeaderId::content_encoding},
              {"f", HeaderId::from},
              {"I", HeaderId::call_id},
              {"j", HeaderId::reject_contact},
              {"k", HeaderId::supported},
              {"L", HeaderId::content_length},
              {"m", HeaderId::contact},
              {"n", HeaderId::identity_info},
              {"o", HeaderId::event},
              {"r", HeaderId::refer_to},
              {"s", HeaderId::subject},
              {"t", HeaderId::to},
              {"u", HeaderId::allow_events},
              {"V", HeaderId::via},
              {"x", HeaderId::session_expires},
              {"y", HeaderId::identity},
              {"q", HeaderId::other},
              {"1", HeaderId::other},
              {"", HeaderId::other}};
  for (const auto& row : rows) CHECK(parse_header_name(row.name) == row.id);
}

TEST_CASE("methods are compared whole and with case") {
  for (std::size_t i = 1; i < kMethods; ++i) {
    const auto method = static_cast<Method>(i);
    CHECK(parse_method(to_string(method)) == method);
    CHECK(parse_method(std::string(to_string(method)) + "S") == Method::other);
  }
  for (const char* text : {"", "invite", "INVIT", "RE%47IST%45R", "other"})
    CHECK(parse_method(text) == Method::other);
}

TEST_CASE("UTF-8 is well formed or it is not") {
  for (const char* good : {"", "abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF"}) {
    CHECK(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                          "\xF0\x80\x80\x80", "\xE2\x82", "\xFF", "caf\xE9"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}
