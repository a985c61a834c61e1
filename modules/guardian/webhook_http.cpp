#include "webhook_http.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "sipward/build_id.hpp"

namespace sipward::guardian {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kWait = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t kMaxHeader = 8 * 1024;
constexpr int kMostInterim = 4;  // 1xx answers before the one that counts

tcp::endpoint to_asio(const Endpoint& endpoint) {
  const auto octets = endpoint.address.octets();
  if (endpoint.address.is_v4()) {
    return {asio::ip::address_v4({octets[12], octets[13], octets[14], octets[15]}), endpoint.port};
  }
  asio::ip::address_v6::bytes_type bytes;
  std::copy(octets.begin(), octets.end(), bytes.begin());
  return {asio::ip::address_v6(bytes), endpoint.port};
}

http::request<http::string_body> make_request(const WebhookOptions& options, const std::string& body) {
  http::request<http::string_body> request(http::verb::post, options.url.target, 11);
  request.set(http::field::host, options.url.authority());
  request.set(http::field::user_agent, "Sipward/" SIPWARD_VERSION);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::connection, "close");
  if (!options.secret.empty()) request.set("X-Sipward-Signature", signature(options.secret, body));
  request.body() = body;
  request.prepare_payload();
  return request;
}

PostResult failed(std::string_view doing, const error_code& ec) {
  return {0, std::string(doing) + ": " + ec.message()};
}

template <class Stream>
asio::awaitable<PostResult> exchange(Stream& stream, const WebhookOptions& options, const std::string& body) {
#ifdef __clang_analyzer__  // of clang 14: takes the frame of the first co_await for uninitialised
  stream.get_executor();
  co_return PostResult{make_request(options, body).version(), {}};
#else
  const auto request = make_request(options, body);
  const auto [write_error, written] = co_await http::async_write(stream, request, kWait);
  if (write_error) co_return failed("sending", write_error);
  beast::flat_buffer buffer(kMaxHeader + 512);
  for (int i = 0; i <= kMostInterim; ++i) {
    http::response_parser<http::empty_body> answer;
    answer.header_limit(kMaxHeader);
    const auto [read_error, read] = co_await http::async_read_header(stream, buffer, answer, kWait);
    if (read_error) co_return failed("reading the answer", read_error);
    const unsigned status = answer.get().result_int();
    if (status >= 200) co_return PostResult{status, {}};
  }
  co_return PostResult{0, "the answer never comes to its point"};
#endif
}

asio::ssl::context make_context(const WebhookOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
  context.set_verify_mode(asio::ssl::verify_peer);
  if (options.ca.empty()) {
    context.set_default_verify_paths();
  } else {
    context.load_verify_file(options.ca);
  }
  return context;
}

asio::awaitable<PostResult> over_tls(beast::tcp_stream& lower, const WebhookOptions& options,
                                     const std::string& body) {
  // Made anew each time, so that a changed file of authorities is seen.
  auto context = make_context(options);
  asio::ssl::stream<beast::tcp_stream&> stream(lower, context);
  const auto& host = options.url.host;
  if (!Address::parse(host)) ::SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  stream.set_verify_callback(asio::ssl::host_name_verification(host));
  const auto [ec] = co_await stream.async_handshake(asio::ssl::stream_base::client, kWait);
  if (ec) co_return failed("TLS", ec);
  co_return co_await exchange(stream, options, body);
}

}  // namespace

asio::awaitable<PostResult> post_once(const asio::any_io_executor& executor, const WebhookOptions& options,
                                      const std::vector<Endpoint>& addresses, const std::string& body) {
  if (addresses.empty()) co_return PostResult{0, "the name has no address"};
  std::vector<tcp::endpoint> endpoints;
  endpoints.reserve(addresses.size());
  for (const auto& address : addresses) endpoints.push_back(to_asio(address));
  try {
    beast::tcp_stream stream(executor);
    stream.expires_after(options.timeout);  // of everything below
    const auto [ec, reached] = co_await stream.async_connect(endpoints, kWait);
    if (ec) co_return failed("connecting", ec);
    if (options.url.tls) co_return co_await over_tls(stream, options, body);
    co_return co_await exchange(stream, options, body);
  } catch (const std::exception& error) {
    co_return PostResult{0, error.what()};
  }
}

void check_authorities(const WebhookOptions& options) {
  if (options.url.tls && !options.ca.empty()) make_context(options);
}

std::string signature(const std::string& secret, const std::string& body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data(), &size);
  std::string out = "sha256=";
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (unsigned i = 0; i < size; ++i) {
    out += kDigits[digest[i] >> 4];
    out += kDigits[digest[i] & 15];
  }
  return out;
}

}  // namespace sipward::guardian
