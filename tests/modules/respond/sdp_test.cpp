#include "sdp.hpp"

#include <catch2/catch.hpp>

using namespace sipward;
using namespace sipward::respond;
using Catch::Matchers::Contains;

namespace {

const SdpOrigin kOrigin{*Address::parse("192.0.2.1"), 4242, 3};

std::string offer_with(const std::string& rest) {
  return "v=0\r\no=a 1 1 IN IP4 198.51.100.7\r\ns=-\r\nt=5 6\r\n" + rest;
}

}  // namespace

TEST_CASE("an offer is answered stream by stream") {
  struct Case {
    const char* name;
    std::string offer;
    std::string answer;  // from the first m= on
  };
  for (const Case& c : {
           Case{"both codecs", offer_with("m=audio 4000 RTP/AVP 8 0 101\r\n"),
                "m=audio 9 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"},
           Case{"hold", offer_with("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"),
                "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=recvonly\r\n"},
           Case{"direction of the session", offer_with("a=inactive\r\nm=audio 4000 RTP/AVP 0\r\n"),
                "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\n"},
           Case{"video is refused in its place",
                offer_with("m=video 4002 RTP/AVP 99\r\nm=audio 4000 RTP/AVP 8\r\n"),
                "m=video 0 RTP/AVP 99\r\nm=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"},
           Case{"only one audio stream", offer_with("m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n"),
                "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\nm=audio 0 RTP/AVP 0\r\n"},
           Case{"bare line feeds", "v=0\nt=5 6\nm=audio 4000 RTP/AVP 0\n",
                "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"},
       }) {
    INFO(c.name);
    std::string answer;
    REQUIRE(answer_offer(c.offer, kOrigin, answer));
    CHECK(answer.substr(answer.find("m=")) == c.answer);
    CHECK(answer.substr(0, answer.find("m=")) ==
          "v=0\r\no=sipward 2121 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=5 6\r\n");
  }
}

TEST_CASE("an offer that can't be taken or read is refused") {
  std::string many = offer_with("");
  for (int i = 0; i < 17; ++i) many += "m=audio 4000 RTP/AVP 0\r\n";
  const std::vector<std::string> cases{
      std::string(),
      std::string("nonsense"),
      offer_with(""),
      offer_with("m=audio 4000 RTP/AVP 111\r\n"),
      offer_with("m=audio 4000 RTP/SAVP 0\r\n"),
      offer_with("m=audio 0 RTP/AVP 0\r\n"),
      offer_with("m=video 1 RTP/AVP 0\r\n"),
      offer_with("m=audio 4000 RTP/AVP\r\n"),
      offer_with("m=audio\r\n"),
      offer_with("m=\r\n"),
      offer_with("m=audio 4000 RTP/AVP 0\r\nm=" + std::string(65, 'x') + " 1 a 1\r\n"),
      offer_with("m=audio 4000 RTP/AVP 0\r\nm=vi\x01"
                 "deo 1 a 1\r\n"),
      many,
      "m=audio 4000 RTP/AVP 0\r\nv=0\r\n"};
  for (const std::string& wrong : cases) {
    INFO(wrong);
    std::string answer;
    CHECK_FALSE(answer_offer(wrong, kOrigin, answer));
  }
}

TEST_CASE("a strange time line is not echoed") {
  std::string answer;
  REQUIRE(answer_offer("v=0\r\nt=0 \x7f\r\nm=audio 1 RTP/AVP 0\r\n", kOrigin, answer));
  CHECK_THAT(answer, Contains("t=0 0\r\n"));
}

TEST_CASE("an offer of ours has both codecs") {
  const std::string own = make_offer({*Address::parse("2001:db8::1"), 2, 1});
  CHECK_THAT(own, Contains("c=IN IP6 2001:db8::1\r\n") && Contains("m=audio 9 RTP/AVP 0 8\r\n"));
  std::string answer;
  CHECK_FALSE(own.empty());
  CHECK(answer_offer(own, kOrigin, answer));
}
