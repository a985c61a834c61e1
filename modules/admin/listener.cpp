#include "listener.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "sipward/config.hpp"

namespace sipward::admin {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

[[noreturn]] void fail(const std::string& listen, const std::string& why) {
  throw config::ConfigError("cannot listen on " + listen + ": " + why);
}

std::vector<tcp::endpoint> resolve(boost::asio::io_context& io, const std::string& listen,
                                   const config::ListenAddress& address) {
  if (address.host.empty()) return {tcp::endpoint(tcp::v6(), address.first)};
  tcp::resolver resolver(io);
  error_code ec;
  const auto found = resolver.resolve(address.host, std::to_string(address.first),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, ec);
  if (ec) fail(listen, ec.message());
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  return endpoints;
}

// The family or the address is not there on this machine, which is no reason to refuse the others.
bool absent(const error_code& ec) {
  namespace errc = boost::system::errc;
  return ec == errc::address_family_not_supported || ec == errc::address_not_available;
}

using reuse_port = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

enum class Share : std::uint8_t { no, with_ourselves };

error_code bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, Share share) {
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && share == Share::with_ourselves) acceptor.set_option(reuse_port(true), ec);
  if (!ec && endpoint.protocol() == tcp::v6()) {
    const bool both_families = endpoint.address().is_unspecified();
    acceptor.set_option(boost::asio::ip::v6_only(!both_families), ec);
  }
  if (!ec) acceptor.bind(endpoint, ec);
  return ec;
}

// SO_REUSEPORT would let a second process take half of our requests, so a port that is not ours yet is tried
// without it first.
error_code open(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, const std::set<Port>& own) {
  if (endpoint.port() != 0 && !own.contains(endpoint.port())) {
    tcp::acceptor trial(acceptor.get_executor());
    if (const auto ec = bind(trial, endpoint, Share::no)) return ec;
  }
  auto ec = bind(acceptor, endpoint, Share::with_ourselves);
  if (!ec) acceptor.listen(tcp::acceptor::max_listen_connections, ec);
  if (!ec) acceptor.non_blocking(true, ec);
  return ec;
}

}  // namespace

Endpoint endpoint_of(const tcp::endpoint& endpoint) {
  return Endpoint::from(endpoint.data());
}

Listener::Listener(boost::asio::io_context& io, std::string listen, const std::set<Port>& own)
    : listen_(std::move(listen)) {
  const auto address = config::parse_listen(listen_);
  if (!address || address->transport || !address->unix_path.empty() || address->first != address->last) {
    fail(listen_, "an HTTP site is reached at :PORT or HOST:PORT");
  }
  auto endpoints = resolve(io, listen_, *address);
  error_code last;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    tcp::acceptor acceptor(io);
    last = open(acceptor, endpoints[i], own);
    if (!last) {
      bound_.push_back(endpoint_of(acceptor.local_endpoint()));
      acceptors_.push_back(std::move(acceptor));
    } else if (!absent(last)) {
      fail(listen_, last.message());
    } else if (address->host.empty() && endpoints[i].protocol() == tcp::v6()) {
      endpoints.emplace_back(tcp::v4(), address->first);  // a machine without IPv6
    }
  }
  if (acceptors_.empty()) fail(listen_, last.message());
}

void Listener::close() {
  closed_ = true;
  for (auto& acceptor : acceptors_) {
    error_code ignored;
    acceptor.close(ignored);
  }
}

}  // namespace sipward::admin
