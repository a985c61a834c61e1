#pragma once

#include "harness.hpp"
#include "sipward/stream.hpp"
#include "sipward/testing/sip_text.hpp"

namespace sipward::test {

// Streams on a real worker whose other ends the test holds. What happens is written to the journal:
// the message's Call-ID, "ping", "error WORD [head]", "drained", "ended WHY".
class StreamDesk final : public SipStream::Owner {
 public:
  explicit StreamDesk(const SipStream::Options& stream_options = {}) : options(stream_options) {
    listener_.listen();
  }
  ~StreamDesk() override {
    site.run([this](Worker&) {
      if (stream) stream->disown();
      stream.reset();
    });
  }

  // Accepts one stream; the test's end of it.
  Socket open() {
    Socket client(SOCK_STREAM, loopback());
    client.connect(listener_.local());
    const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    site.run([this, fd](Worker& worker) {
      boost::asio::ip::tcp::socket socket(worker.io());
      socket.assign(boost::asio::ip::tcp::v4(), fd);
      stream = std::make_shared<SipStream>(worker, std::move(socket), *this, options);
      stream->start();
    });
    return client;
  }
  // Dials; `then` runs on the worker in the same breath.
  void dial(const Endpoint& to, std::function<void(SipStream&)> then = {}) {
    site.run([this, to, &then](Worker& worker) {
      stream = std::make_shared<SipStream>(worker, boost::asio::ip::tcp::socket(worker.io()), *this, options);
      stream->connect(to, std::chrono::seconds(5));
      if (then) then(*stream);
    });
  }
  void with(const std::function<void(SipStream&)>& task) {
    site.run([&](Worker&) { task(*stream); });
  }

  void on_message(SipStream& s, std::string_view octets) override {
    sip::Message message;
    message.parse(octets, sip::Framing::stream);
    journal.note(std::string(message.call_id()) +
                 (message.body().empty() ? "" : " " + std::string(message.body())));
    if (act) act(s, octets);
  }
  void on_keep_alive(SipStream&) override { journal.note("ping"); }
  void on_framing_error(SipStream&, sip::FramingError error, std::string_view head) override {
    journal.note("error " + std::string(to_string(error)) + (head.empty() ? "" : " head"));
  }
  void on_drained(SipStream&) override {
    if (tell_drained) journal.note("drained");
  }
  bool may_stay_idle(SipStream&) override { return stays-- > 0; }
  void on_ended(SipStream&, StreamEnd why) override { journal.note("ended " + std::string(to_string(why))); }

  SipStream::Options options;
  Journal journal;
  Site site;
  std::shared_ptr<SipStream> stream;
  std::function<void(SipStream&, std::string_view)> act;  // on each message
  bool tell_drained = false;
  int stays = 0;

 private:
  Socket listener_{SOCK_STREAM, loopback()};
};

inline std::string message_text(const std::string& call_id, const std::string& body = "") {
  SipText text;
  text.call_id = call_id;
  auto octets = text.request();
  const std::string none = "Content-Length: 0\r\n";
  octets.replace(octets.find(none), none.size(), "Content-Length: " + std::to_string(body.size()) + "\r\n");
  return octets + body;
}

}  // namespace sipward::test
