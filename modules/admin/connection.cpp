#include "connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include "sipward/http.hpp"
#include "stream_bell.hpp"
#include "target.hpp"

namespace sipward::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::awaitable;
using boost::system::error_code;
using Stage = ConnectionSlot::Stage;
using Parser = http::request_parser<http::string_body>;

constexpr auto kWait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadSize = 4096;
constexpr std::size_t kMaxDrained = 256 * 1024;
constexpr std::chrono::milliseconds kDrainTime{2000};

std::string_view view(boost::core::string_view text) {
  return {text.data(), text.size()};
}

std::string http_date(WallTime now) {  // RFC 9110 5.6.7
  const auto when = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
  return text.data();
}

// Empty when the request may be run, else what is wrong with it.
std::string_view take_request(Parser::value_type& message, const Endpoint& client, HttpRequest& out) {
  Target target;
  out.method = view(message.method_string());
  if (!parse_target(view(message.target()), target)) return "the request target is malformed";
  out.path = std::move(target.path);
  out.query = std::move(target.query);
  out.client = client;
  std::size_t hosts = 0;
  for (const auto& field : message) {
    std::string value(view(field.value()));
    if (field.name() == http::field::host) {
      ++hosts;
      if (!target.host.empty()) value = target.host;  // RFC 9112 3.2.2
      if (host_of(value).empty()) return "the Host header is malformed";
    }
    out.headers.emplace_back(view(field.name_string()), std::move(value));
  }
  // RFC 9112 3.2
  if (hosts > 1 || (hosts == 0 && message.version() >= 11)) return "one Host header is needed";
  out.body = std::move(message.body());
  return {};
}

bool header_safe(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; }) &&
         text.find('\x7f') == std::string_view::npos;
}

http::response<http::string_body> make_message(HttpResponse response, unsigned version, bool head, bool keep,
                                               const Clock& clock) {
  if (response.status < 200 || response.status > 599) {
    response = HttpResponse::error(500, "a handler gave no valid status");
  }
  http::response<http::string_body> message;
  message.version(version);
  message.result(response.status);
  message.set(http::field::date, http_date(clock.wall()));
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  if (!response.content_type.empty() && header_safe(response.content_type)) {
    message.set(http::field::content_type, response.content_type);
  }
  for (const auto& [name, value] : response.headers) {
    const auto field = http::string_to_field(name);
    if (field == http::field::connection) {
      keep = keep && value != "close";
    } else if (!name.empty() && header_safe(name) && header_safe(value) &&
               field != http::field::content_length && field != http::field::transfer_encoding) {
      message.insert(name, value);
    }
  }
  message.keep_alive(keep);
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) message.content_length(response.body.size());
  if (!bodiless && !head) message.body() = std::move(response.body);
  return message;
}

class Connection {
 public:
  Connection(asio::ip::tcp::socket socket, std::shared_ptr<ConnectionSlot> slot, ConnectionHost& host)
      : stream_(std::move(socket)),
        slot_(std::move(slot)),
        host_(host),
        buffer_(host.limits().header_octets + kReadSize) {
    slot_->close = [this] { stream_.close(); };
  }
  ~Connection() {
    slot_->close = nullptr;
    slot_->end_stream = nullptr;
    host_.ended(slot_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  awaitable<void> run() {
    auto patience = host_.limits().header_time;
    while (co_await next_request(patience)) {
      if (!co_await exchange()) break;
      patience = host_.limits().idle_time;
    }
  }

 private:
  void enter(Stage stage) {
    slot_->stage = stage;
    slot_->since = host_.clock().now();
  }

  // Waits for the first octet of a request. False when the connection is over.
  awaitable<bool> next_request(std::chrono::milliseconds patience) {
    // The server may have begun to stop while the last response was on its way.
    if (slot_->closing || !host_.may_stay(*slot_)) co_return false;
    if (buffer_.size() != 0) co_return true;  // pipelined
    enter(Stage::waiting);
    stream_.expires_after(patience);
    const auto [ec, n] = co_await stream_.async_read_some(buffer_.prepare(kReadSize), kWait);
    if (ec) co_return false;
    buffer_.commit(n);
    co_return true;
  }

  // One request and its response. True when another may follow.
  awaitable<bool> exchange() {
    enter(Stage::reading);
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(host_.limits().header_octets));
    parser.body_limit(host_.max_body(*slot_));
    stream_.expires_after(host_.limits().header_time);
    const auto [header_error, header_size] =
        co_await http::async_read_header(stream_, buffer_, parser, kWait);
    if (header_error) co_return co_await give_up(header_error);
    stream_.expires_after(host_.limits().body_time);
    if (!parser.is_done()) {
      if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        const auto [ec, n] = co_await asio::async_write(stream_, asio::buffer(kContinue), kWait);
        if (ec) co_return false;
      }
      const auto [body_error, body_size] = co_await http::async_read(stream_, buffer_, parser, kWait);
      if (body_error) co_return co_await give_up(body_error);
    }

    enter(Stage::answering);
    auto message = parser.release();
    HttpRequest request;
    const auto wrong = take_request(message, slot_->client, request);
    if (!wrong.empty()) {
      co_return co_await send(HttpResponse::error(400, wrong), message.version(), false, false);
    }
    const bool head = request.method == "HEAD";
    auto response = host_.answer(*slot_, request);
    if (response.later) response = co_await made_later(std::move(response.later));
    if (response.stream && !head) co_return co_await send_stream(std::move(response), message.version());
    response.stream = nullptr;
    co_return co_await send(std::move(response), message.version(), head,
                            message.keep_alive() && host_.may_stay(*slot_));
  }

  // Lets whoever makes the answer elsewhere begin, and waits for it.
  awaitable<HttpResponse> made_later(std::function<void(std::function<void(HttpResponse)>)> begin) {
    struct Waiting {
      explicit Waiting(const asio::any_io_executor& admin) : arrived(admin) {}
      asio::steady_timer arrived;
      std::optional<HttpResponse> answer;
    };
    const auto admin = stream_.get_executor();
    const auto waiting = std::make_shared<Waiting>(admin);
    waiting->arrived.expires_after(host_.limits().later_time);
    begin([waiting, admin](HttpResponse answer) {
      asio::post(admin, [waiting, answer = std::move(answer)]() mutable {
        answer.later = nullptr;
        waiting->answer = std::move(answer);
        waiting->arrived.cancel();
      });
    });
    co_await waiting->arrived.async_wait(kWait);
    if (!waiting->answer) co_return HttpResponse::error(504, "the answer took too long");
    co_return std::move(*waiting->answer);
  }

  // Sends a body as it is made, until it ends, the client goes away or takes too long, or the sites change.
  // The connection ends with it.
  awaitable<bool> send_stream(HttpResponse response, unsigned version) {
    const auto stream = std::move(response.stream);
    const bool chunked = version >= 11;
    response.body.clear();
    auto head = make_message(std::move(response), version, false, false, host_.clock());
    head.content_length(boost::none);
    head.chunked(chunked);
    http::response_serializer<http::string_body> serializer(head);
    enter(Stage::answering);
    const auto pause = std::make_shared<StreamPause>(stream_.get_executor());
    pause->ended = !host_.may_stay(*slot_);
    slot_->end_stream = [pause] { pause->end(); };
    // A client has nothing more to say: what comes from it, an end too, ends the stream.
    stream_.expires_never();
    stream_.async_read_some(asio::buffer(pause->scrap), [pause](error_code, std::size_t) { pause->end(); });
    stream_.expires_after(host_.limits().write_time);
    const auto [ec, n] = co_await http::async_write_header(stream_, serializer, kWait);
    if (!ec) {
      const StreamBell::Hung bell(stream_.get_executor(), pause->news);
      stream->begin([rung = bell.get()] { rung->ring(); });
      co_await pump(*stream, *pause, *bell.get(), chunked);
    }
    slot_->end_stream = nullptr;
    co_return false;
  }

  awaitable<void> pump(HttpStream& stream, StreamPause& pause, StreamBell& bell, bool chunked) {
    // No temporary strings in what is awaited: GCC 12 frees some of them twice.
    std::string text;
    for (bool more = true; more;) {
      bell.hush();
      text.clear();
      more = stream.take(text) && !pause.ended;
      if (text.empty() && more) {
        const bool quiet = co_await pause.passes(host_.limits().stream_idle);
        if (quiet) text = stream.idle();
      }
      if (text.empty()) continue;
      if (chunked) text = as_chunk(text);
      const bool written = co_await write_part(text);
      if (!written) co_return;
    }
    constexpr std::string_view kLastChunk = "0\r\n\r\n";
    if (chunked) co_await write_part(kLastChunk);
  }

  awaitable<bool> write_part(std::string_view text) {
    stream_.expires_after(host_.limits().write_time);
    const auto [ec, n] = co_await asio::async_write(stream_, asio::buffer(text), kWait);
    co_return !ec;
  }

  awaitable<bool> give_up(error_code ec) {
    if (ec.category() != http::make_error_code(http::error::bad_method).category() ||
        ec == http::error::end_of_stream || ec == http::error::partial_message) {
      co_return false;  // the client went away, or was too slow: then the stream is closed already
    }
    auto response = HttpResponse::error(400, "the request is malformed");
    if (ec == http::error::body_limit) response = HttpResponse::error(413, "the body is over the limit");
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
      response = HttpResponse::error(431, "the header is over the limit");
    }
    co_return co_await send(std::move(response), 11, false, false);
  }

  awaitable<bool> send(HttpResponse response, unsigned version, bool head, bool keep) {
    enter(Stage::answering);
    const auto message = make_message(std::move(response), version, head, keep, host_.clock());
    stream_.expires_after(host_.limits().write_time);
    const auto [ec, n] = co_await http::async_write(stream_, message, kWait);
    if (ec) co_return false;
    if (message.keep_alive()) co_return true;
    co_await drain();
    co_return false;
  }

  // Closing with octets unread would reset the connection and could cost the client the response
  // (RFC 9112 9.6).
  awaitable<void> drain() {
    enter(Stage::reading);
    error_code ignored;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    stream_.expires_after(std::min(kDrainTime, host_.limits().body_time));
    std::array<char, kReadSize> scrap;
    for (std::size_t all = 0; all < kMaxDrained;) {
      const auto [ec, n] = co_await stream_.async_read_some(asio::buffer(scrap), kWait);
      if (ec) co_return;
      all += n;
    }
  }

  beast::tcp_stream stream_;
  std::shared_ptr<ConnectionSlot> slot_;
  ConnectionHost& host_;
  beast::flat_buffer buffer_;
};

}  // namespace

awaitable<void> serve(asio::ip::tcp::socket socket, std::shared_ptr<ConnectionSlot> slot,
                      ConnectionHost& host) {
  Connection connection(std::move(socket), std::move(slot), host);
  co_await connection.run();
}

}  // namespace sipward::admin
