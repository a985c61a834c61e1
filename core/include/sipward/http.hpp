#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sipward/handler.hpp"
#include "sipward/net.hpp"
#include "sipward/services.hpp"

namespace sipward {

struct HttpRequest {
  std::string method;  // as sent
  std::string path;    // the part of the target before '?', still percent-encoded
  std::string query;   // behind '?', without it
  std::string body;    // at most the site's max_body
  Endpoint client;
  std::size_t mount = 0;       // how many octets of `path` the enclosing `handle` stands for; endpoints get 0
  bool authenticated = false;  // a handler of the site has checked credentials
  bool open_to_all = false;    // the site said allow_unauthenticated
  std::vector<std::pair<std::string, std::string>> headers;

  // The first header of that name (any case), or empty.
  std::string_view header(std::string_view name) const;
  // The decoded value of a query parameter, or nullopt-like empty with `found` false.
  std::string parameter(std::string_view name, bool* found = nullptr) const;
};

// A body that is made while it is sent and has no end of its own, such as server-sent events. The server
// takes from it whenever the client has taken what came before, closes the connection of a client that does
// not, and ends the body when it stops or serves other sites. All calls on the admin thread.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // Once, before the first take(). `ready` may be called from any thread, also when nobody listens any more:
  // it tells the server to take() soon. It is cheap, and calls that come close together are one.
  virtual void begin(std::function<void()> ready) = 0;
  // Appends what is ready to be sent, at most some tens of KiB; nothing when nothing is. False: the body ends
  // behind it.
  virtual bool take(std::string& out) = 0;
  // What is sent when nothing was for a while, so that both sides notice when the other is gone.
  virtual std::string_view idle() const { return {}; }
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  // For an answer that another thread has to make: called once on the admin thread when every handler has
  // run; whoever has it in the end calls `done` once, from any thread, while the server lives. The client
  // gets that answer, or 504 when it takes over a minute. What it refers to must outlive a reload.
  std::function<void(std::function<void(HttpResponse)> done)> later;

  // Instead of `body`. Holds nothing of the configuration that made it.
  std::shared_ptr<HttpStream> stream;

  // {"error": message}
  static HttpResponse error(unsigned status, std::string_view message);
};

// Decodes %XX; false when malformed.
bool percent_decode(std::string_view text, std::string& out);

// The host of "HOST[:PORT]" without brackets; empty when malformed.
std::string_view host_of(std::string_view authority);

// Why a request may not see or change what this process knows; empty when it may. Without credentials only
// this machine may, unless the site said allow_unauthenticated; and never a web page that uses the browser on
// this machine (a foreign Origin, a name that was made to point here), nor a proxy's client that only looks
// local. Changes are refused to foreign pages even with credentials, because browsers add those by
// themselves.
std::string_view access_refusal(const HttpRequest& request);

// A handler of an HTTP site, run in the order of the Sipfile on the admin thread. May use services only.
class HttpHandler : public Component {
 public:
  enum class Outcome : std::uint8_t { next, answered };
  // May change the request for the handlers behind it (strip a prefix, mark it authenticated).
  virtual Outcome handle(HttpRequest& request, HttpResponse& response) const = 0;
};

// One endpoint under a group's mount point: `pattern` is segments as "/bans" or "/bans/{ip}"; what stood for
// a name in braces comes decoded in `captures`, in order. Runs on the admin thread.
struct HttpEndpoint {
  std::string method;
  std::string pattern;
  std::function<void(const HttpRequest&, const std::vector<std::string>& captures, HttpResponse&)> run;
};

// The endpoints that modules contribute while provisioning, by group ("sip_guardian/default"). Part of one
// configuration: a new tree has a new table. Filled on the control thread, read on the admin thread
// afterwards.
class HttpEndpoints {
 public:
  // The same method and pattern again, as from two handlers that share an instance, changes nothing.
  void add(std::string_view group, HttpEndpoint endpoint);
  bool has(std::string_view group) const;
  // Runs the endpoint that fits (a literal segment before one in braces, GET for HEAD); answers 404 for an
  // unknown path, 405 (with Allow) for another method and 400 for a broken escape.
  void run(std::string_view group, const HttpRequest& request, HttpResponse& response) const;

 private:
  std::vector<std::pair<std::string, HttpEndpoint>> endpoints_;
};

// One site of the Sipfile.
struct HttpSite {
  std::vector<std::string> listen;  // ":2020", "127.0.0.1:2020", "[::1]:2020"
  std::vector<std::unique_ptr<HttpHandler>> handlers;
  std::size_t max_body = std::size_t{64} * 1024;  // octets of a request's body; beyond it 413
};

// Serves sites; what module admin provides as service "http_server/1". Control thread.
class HttpServer : public Service {
 public:
  // Opens the addresses that are not open yet; throws ConfigError when one can't be, and then changes
  // nothing. What it opened and no publish() took is closed by the next prepare() or the end.
  virtual void prepare(const std::vector<HttpSite>& sites) = 0;
  // Serves these sites from now on and closes the addresses that are no longer listed. Returns when no
  // request runs in the old ones any more, so that they end on the caller's thread.
  virtual void publish(std::shared_ptr<const std::vector<HttpSite>> sites) = 0;
};

}  // namespace sipward
