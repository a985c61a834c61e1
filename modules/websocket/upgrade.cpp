#include "upgrade.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

namespace sipward::websocket {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using Request = http::request<http::empty_body>;

Upgrade refuse(std::string_view fault, std::string_view status, std::string_view extra = {}) {
  std::string answer = "HTTP/1.1 ";
  answer.append(status).append("\r\nConnection: close\r\nContent-Length: 0\r\n").append(extra).append("\r\n");
  return {std::move(answer), fault};
}

// 16 octets in base64 (RFC 6455 4.1).
bool is_key(std::string_view key) {
  constexpr std::size_t kSize = 24, kLetters = 22;
  if (key.size() != kSize || key.substr(kLetters) != "==") return false;
  return std::all_of(key.begin(), key.begin() + kLetters, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

// RFC 6455 4.2.2, 5.4.
std::string accept_of(std::string_view key) {
  const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  std::array<unsigned char, EVP_MAX_MD_SIZE * 2> coded;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return {};
  const int length = EVP_EncodeBlock(coded.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(coded.data()), static_cast<std::size_t>(length)};
}

bool asks_for_sip(const Request& request) {
  const auto lines = request.equal_range(http::field::sec_websocket_protocol);
  return std::any_of(lines.first, lines.second,
                     [](const auto& line) { return http::token_list(line.value()).exists("sip"); });
}

bool comes_from(const Request& request, const std::vector<std::string>& origins) {
  const auto count = request.count(http::field::origin);
  if (origins.empty() || count == 0) return true;  // what is no browser sends none
  return count == 1 &&
         std::find(origins.begin(), origins.end(), request[http::field::origin]) != origins.end();
}

}  // namespace

Upgrade refuse_large() {
  return refuse("ws_header_too_large", "431 Request Header Fields Too Large");
}

Upgrade judge_request(std::string_view head, const Options& options) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(options.max_header_size));
  beast::error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error || !parser.is_done()) return refuse("ws_request", "400 Bad Request");
  const auto& request = parser.get();
  if (request.method() != http::verb::get)
    return refuse("ws_request", "405 Method Not Allowed", "Allow: GET\r\n");
  if (!beast::websocket::is_upgrade(request))
    return refuse("ws_request", "426 Upgrade Required",
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  if (request[http::field::sec_websocket_version] != "13")
    return refuse("ws_request", "426 Upgrade Required", "Sec-WebSocket-Version: 13\r\n");
  const auto key = request[http::field::sec_websocket_key];
  if (request.count(http::field::sec_websocket_key) != 1 || !is_key(key) ||
      request.count(http::field::host) != 1)
    return refuse("ws_request", "400 Bad Request");
  if (!comes_from(request, options.origins)) return refuse("ws_origin", "403 Forbidden");
  if (!asks_for_sip(request)) return refuse("ws_subprotocol", "400 Bad Request");
  return {
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: " +
          accept_of(key) + "\r\n\r\n",
      {}};
}

}  // namespace sipward::websocket
