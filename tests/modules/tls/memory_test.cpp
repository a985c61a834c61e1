#include <malloc.h>

#include <catch2/catch.hpp>
#include <vector>

#include "peer.hpp"
#include "tls_stream.hpp"

using namespace sipward;
using namespace sipward::test;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("an idle connection holds no more memory than is reckoned for it") {
  constexpr std::size_t kConnections = 50;
  const auto version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Host host;
  auto options = host.with(make_certificate({"sip.example.com"}));
  const auto server = host.serve(options);
  const auto used = [] { return static_cast<std::size_t>(::mallinfo2().uordblks); };
  std::vector<std::unique_ptr<Meeting>> meetings;
  for (std::size_t i = 0; i < kConnections; ++i) {
    meetings.push_back(std::make_unique<Meeting>(host, *server, Client::Setup{.max_version = version}));
    REQUIRE(meetings.back()->shake().status == ByteStream::Status::ok);
    meetings.back()->client.write("REGISTER");
    REQUIRE(read_all(*meetings.back()->stream) == "REGISTER");
    REQUIRE(meetings.back()->stream->write("OK").octets == 2);
  }
  const auto before = used();
  for (auto& meeting : meetings) meeting->stream.reset();
  const auto each = (before - used()) / kConnections;
  INFO("octets for each connection: " << each);
  CHECK(each < tls::TlsStream::kMemory);
  CHECK(each > 1000);
}
#endif
