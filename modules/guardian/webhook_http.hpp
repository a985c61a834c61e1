#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "sipward/net.hpp"
#include "webhook_options.hpp"

namespace sipward::guardian {

// What came of one POST: the status of the answer, or why there is none.
struct PostResult {
  unsigned status = 0;
  std::string problem;  // when status is 0

  bool ok() const { return status >= 200 && status < 300; }
  // Whether it may go well another time: nothing answered, or the receiver is busy or broken.
  bool worth_a_retry() const { return status == 0 || status == 408 || status == 429 || status >= 500; }
};

// Sends `body` to the URL of `options`, at one of `addresses`, and reads the head of the answer, of which at
// most 8 KiB; the rest is left unread and redirects are not followed. All of it within options.timeout. With
// TLS the receiver's certificate must be good and name the URL's host. Never throws for what the receiver or
// the network does. The connection is closed with the coroutine, which runs on `executor`; what it refers to
// must outlive it.
boost::asio::awaitable<PostResult> post_once(const boost::asio::any_io_executor& executor,
                                             const WebhookOptions& options,
                                             const std::vector<Endpoint>& addresses, const std::string& body);

// Throws std::exception with the reason when options.ca can't be read.
void check_authorities(const WebhookOptions& options);

// "sha256=HEX": the HMAC of the body with the secret as its key.
std::string signature(const std::string& secret, const std::string& body);

}  // namespace sipward::guardian
