#include "office_day.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <utility>

namespace sipward::day {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Then = std::function<void()>;

constexpr auto kExpires = seconds(600);
constexpr auto kNonceLives = seconds(240);
constexpr auto kPingEvery = seconds(60);
constexpr auto kKeepAliveEvery = seconds(30);
constexpr auto kSubscribedFor = seconds(1800);
constexpr int kWatched = 5;  // lamps of a phone
constexpr std::size_t kKeptDropped = 20;

enum class Place { large_office, small_office, home, home_v6 };

struct Phone {
  std::string user;
  Place place = Place::home;
  Flow flow;
  std::string nonce;
  unsigned nonce_count = 0;
  unsigned wrong_passwords = 0;  // that will be typed before the right one
  bool registered = false;
  unsigned generation = 0;  // how often it was switched on
  unsigned cseq = 1;
};

const char* agent(const Phone& phone) {
  switch (phone.place) {
    case Place::large_office:
      return "Yealink SIP-T46U 108.86.0.20";
    case Place::small_office:
      return "PolycomVVX-VVX_411-UA/6.4.3.5110";
    case Place::home:
      return "Grandstream HT801 1.0.45.2";
    case Place::home_v6:
      break;
  }
  return "Linphone Desktop/5.0.2 (debian) ([L\xC3\xBC"
         "beck])";
}

class Day {
 public:
  Day(Wire& wire, const Options& options) : wire_(wire), options_(options), random_(options.seed) {
    make_phones();
  }

  Report go() {
    plan();
    const milliseconds end = options_.length;
    while (!events_.empty() && events_.top().at < end) {
      const Event event = events_.top();
      events_.pop();
      if (event.at > now_) {
        wire_.advance(event.at - now_);
        now_ = event.at;
      }
      event.what();
    }
    return std::move(report_);
  }

 private:
  struct Event {
    milliseconds at;
    std::uint64_t number;
    Then what;
    bool operator<(const Event& other) const {
      return std::pair(at, number) > std::pair(other.at, other.number);
    }
  };

  // --- chance and time
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }
  milliseconds about(milliseconds time) {
    return time - time / 10 + milliseconds(below(static_cast<std::uint32_t>(time.count() / 5 + 1)));
  }
  void after(milliseconds time, Then what) { events_.push({now_ + time, ++number_, std::move(what)}); }
  std::string unique(const char* prefix) {
    return prefix + std::to_string(++unique_) + "x" + std::to_string(below(1U << 30));
  }

  // --- the phones
  void make_phones() {
    for (int i = 0; i < 120; ++i) add(Place::large_office, 101 + i, "198.51.100.10");
    for (int i = 0; i < 40; ++i) add(Place::small_office, 301 + i, "198.51.100.99");
    for (int i = 0; i < 30; ++i) add(Place::home, 401 + i, "203.0.113." + std::to_string(10 + i));
    for (int i = 0; i < 10; ++i) add(Place::home_v6, 451 + i, "[2001:db8:0:" + std::to_string(i) + "::5]");
    for (const std::size_t i : {3U, 50U, 51U, 130U, 165U, 195U}) phones_[i].wrong_passwords = 1 + below(3);
  }
  void add(Place place, int user, std::string address) {
    Phone phone;
    phone.user = std::to_string(user);
    phone.place = place;
    phone.flow.tcp = user % 10 < 3;
    addresses_.push_back(std::move(address));
    phones_.push_back(std::move(phone));
  }
  // A new port, as a NAT gives it.
  void rebind(std::size_t i) {
    auto& flow = phones_[i].flow;
    flow.remote = addresses_[i] + ":" + std::to_string(1024 + (++ports_ * 7919) % 64000);
    if (flow.tcp) flow.connection = ++connections_;
  }

  void plan() {
    for (std::size_t i = 0; i < phones_.size(); ++i) {
      const bool always_on = phones_[i].place == Place::home || i % 4 != 0;
      after(
          always_on ? milliseconds(below(900'000)) : milliseconds(hours(7)) + milliseconds(below(7'200'000)),
          [this, i] { switch_on(i); });
    }
    // The power of the large office fails for a moment: everything there starts again at once.
    after(hours(13), [this] {
      for (std::size_t i = 0; i < 120; ++i) {
        ++phones_[i].generation;
        phones_[i].registered = false;
        after(milliseconds(below(3000)), [this, i] { switch_on(i); });
      }
    });
    // The PBX restarts, and has forgotten its nonces: what came with one is refused like a wrong password.
    after(hours(16), [this] { nonces_.clear(); });
  }

  void switch_on(std::size_t i) {
    auto& phone = phones_[i];
    rebind(i);
    phone.nonce.clear();
    const unsigned life = ++phone.generation;
    register_now(i, life);
    if (!phone.flow.tcp) keep_alive(i, life);
    after(milliseconds(below(60'000)), [this, i, life] { ping(i, life); });
    for (int n = 0; n < kWatched; ++n) {
      after(seconds(20) + milliseconds(below(20'000)), [this, i, life, n] { watch(i, life, n); });
    }
    after(next_call(), [this, i, life] { call_sometimes(i, life); });
    if (phone.place == Place::home && !phone.flow.tcp) after(hours(2), [this, i, life] { move(i, life); });
  }
  bool alive(std::size_t i, unsigned life) const { return phones_[i].generation == life; }

  void move(std::size_t i, unsigned life) {
    if (!alive(i, life)) return;
    rebind(i);
    after(about(hours(2)), [this, i, life] { move(i, life); });
  }

  void keep_alive(std::size_t i, unsigned life) {
    if (!alive(i, life)) return;
    if (!wire_.to_pbx(phones_[i].flow, "\r\n\r\n")) dropped(i, "a keep-alive");
    after(kKeepAliveEvery, [this, i, life] { keep_alive(i, life); });
  }

  // --- the network between them. `then` runs when it has arrived.
  void dropped(std::size_t i, const std::string& octets) {
    ++report_.dropped_in_all;
    if (report_.dropped.size() < kKeptDropped) {
      report_.dropped.push_back(std::to_string(now_.count() / 1000) + " s, " + phones_[i].user + " at " +
                                phones_[i].flow.remote + (phones_[i].flow.tcp ? " (TCP): " : " (UDP): ") +
                                octets);
    }
  }
  bool lost(std::size_t i) {
    if (phones_[i].flow.tcp || !chance(options_.loss / 2)) return false;
    ++report_.lost;
    return true;
  }
  bool pass(std::size_t i, bool up, const std::string& octets) {
    ++report_.messages;
    auto& flow = phones_[i].flow;
    if (up ? wire_.to_pbx(flow, octets) : wire_.to_phone(flow, octets)) return true;
    dropped(i, octets);
    return false;
  }
  // Sends again what got lost, as both sides do after 500 ms and then twice as long each time.
  void send(std::size_t i, bool up, std::string octets, Then then, int attempt = 0) {
    const unsigned life = phones_[i].generation;
    bool arrives = !lost(i);
    if (arrives) arrives = pass(i, up, octets) && !lost(i);
    if (arrives && !phones_[i].flow.tcp && chance(0.001)) pass(i, up, octets);  // the network may double it
    if (arrives)
      return after(milliseconds(5 + below(30)), [this, i, life, then = std::move(then)] {
        if (alive(i, life)) then();
      });
    if (attempt >= 6) return;
    after(milliseconds(500) * (1 << std::min(attempt, 3)),
          [this, i, life, up, octets = std::move(octets), then = std::move(then), attempt]() mutable {
            if (alive(i, life)) send(i, up, std::move(octets), std::move(then), attempt + 1);
          });
  }
  void up(
      std::size_t i, std::string octets, Then then = [] {}) {
    send(i, true, std::move(octets), std::move(then));
  }
  void down(
      std::size_t i, std::string octets, Then then = [] {}) {
    send(i, false, std::move(octets), std::move(then));
  }

  // --- messages
  struct Request {
    std::string method, uri, from, to, call_id, branch, extra, body;
    unsigned cseq = 1;
  };
  std::string via(const Phone& phone, const std::string& branch) const {
    return std::string("Via: SIP/2.0/") + (phone.flow.tcp ? "TCP" : "UDP") +
           " 192.168.1.50:5060;branch=" + branch + ";rport\r\n";
  }
  std::string text(const Phone& phone, const Request& r) const {
    return r.method + " " + r.uri + " SIP/2.0\r\n" + via(phone, r.branch) + "From: " + r.from +
           "\r\nTo: " + r.to + "\r\nCall-ID: " + r.call_id + "\r\nCSeq: " + std::to_string(r.cseq) + " " +
           r.method + "\r\nMax-Forwards: 70\r\nUser-Agent: " + agent(phone) +
           "\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER\r\n" + r.extra +
           "Content-Length: " + std::to_string(r.body.size()) + "\r\n\r\n" + r.body;
  }
  std::string answer(const Phone& phone, const Request& r, int status, const std::string& tag,
                     const std::string& extra = {}) const {
    const bool tagged = r.to.find(";tag=") != std::string::npos;
    return "SIP/2.0 " + std::to_string(status) + " Reason\r\n" + via(phone, r.branch) + "From: " + r.from +
           "\r\nTo: " + r.to + (tagged || status == 100 ? "" : ";tag=" + tag) + "\r\nCall-ID: " + r.call_id +
           "\r\nCSeq: " + std::to_string(r.cseq) + " " + r.method + "\r\nServer: PBX 18\r\n" + extra +
           "Content-Length: 0\r\n\r\n";
  }
  std::string contact(const Phone& phone) const {
    return "Contact: <sip:" + phone.user + "@192.168.1.50:5060>\r\n";
  }
  std::string aor(const std::string& user) const { return "<sip:" + user + "@pbx.example.com>"; }
  static std::string sdp() {
    return "v=0\r\no=- 8000 8000 IN IP4 192.168.1.50\r\ns=SIP Call\r\nc=IN IP4 192.168.1.50\r\nt=0 0\r\n"
           "m=audio 5004 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
  }
  std::string credentials(Phone& phone, const char* header, const std::string& uri, bool right) {
    return std::string(header) + ": Digest username=\"" + phone.user +
           "\", realm=\"pbx.example.com\", nonce=\"" + phone.nonce + "\", uri=\"" + uri + "\", response=\"" +
           (right ? "0123456789abcdef0123456789abcdef" : "ffffffffffffffffffffffffffffffff") +
           "\", algorithm=MD5, qop=auth, cnonce=\"0a4f113b\", nc=" +
           std::to_string(10'000'000 + ++phone.nonce_count).substr(0, 8) + "\r\n";
  }
  std::string challenge(Phone& phone, const char* header, bool stale) {
    phone.nonce = unique("n");
    phone.nonce_count = 0;
    nonces_[phone.nonce] = now_;
    if (nonces_.size() > 20'000) {
      std::erase_if(nonces_, [this](const auto& entry) { return now_ - entry.second > 2 * kNonceLives; });
    }
    return std::string(header) + ": Digest realm=\"pbx.example.com\", nonce=\"" + phone.nonce +
           "\", algorithm=MD5, qop=\"auth\"" + (stale ? ", stale=true" : "") + "\r\n";
  }
  enum class Check { right, stale, unknown };
  Check check(const std::string& nonce) const {
    const auto known = nonces_.find(nonce);
    if (known == nonces_.end()) return Check::unknown;
    return now_ - known->second > kNonceLives ? Check::stale : Check::right;
  }

  // A request that the PBX wants credentials for: asks, is challenged, asks again. `done` gets the PBX's
  // last answer; `accept` says what the PBX answers to the right credentials.
  void ask(std::size_t i, Request r, bool proxy, const std::function<std::pair<int, std::string>()>& accept,
           const std::function<void(int, const Request&)>& done, int tries = 0) {
    auto& phone = phones_[i];
    const bool has_credentials = !phone.nonce.empty();
    const bool right = phone.wrong_passwords == 0 || r.method != "REGISTER";
    const std::string plain = r.extra;
    r.branch = unique("z9hG4bK");
    if (has_credentials)
      r.extra += credentials(phone, proxy ? "Proxy-Authorization" : "Authorization", r.uri, right);
    up(i, text(phone, r), [this, i, r, proxy, accept, done, tries, has_credentials, right, plain] {
      auto& self = phones_[i];
      const Check state = check(self.nonce);
      const bool accepted = has_credentials && right && state == Check::right;
      const std::string tag = unique("p");
      const int refusal = proxy ? 407 : 401;
      const auto answered =
          accepted ? accept()
                   : std::pair(refusal, challenge(self, proxy ? "Proxy-Authenticate" : "WWW-Authenticate",
                                                  has_credentials && state == Check::stale));
      const int status = answered.first;
      const std::string& extra = answered.second;
      if (has_credentials && !right) ++report_.refused_passwords;
      down(i, answer(self, r, status, tag, extra),
           [this, i, r, proxy, accept, done, tries, has_credentials, right, plain, status, refusal, tag] {
             auto& again = phones_[i];
             Request next = r;
             next.to += r.to.find(";tag=") == std::string::npos ? ";tag=" + tag : "";
             if (r.method == "INVITE" && status >= 300) acknowledge(i, next, r.branch);
             if (status != refusal || tries >= 2) return done(status, next);
             if (has_credentials && !right) {  // somebody types it again, after a while
               --again.wrong_passwords;
               return done(status, next);
             }
             Request retry = r;
             retry.extra = plain;
             ++retry.cseq;
             ask(i, retry, proxy, accept, done, tries + 1);
           });
    });
  }

  void acknowledge(std::size_t i, Request r, const std::string& branch) {
    r.method = "ACK";
    r.branch = branch;
    r.extra.clear();
    r.body.clear();
    up(i, text(phones_[i], r));
  }

  // --- what phones do
  void register_now(std::size_t i, unsigned life) {
    if (!alive(i, life)) return;
    auto& phone = phones_[i];
    Request r;
    r.method = "REGISTER";
    r.uri = "sip:pbx.example.com";
    r.from = aor(phone.user) + ";tag=" + unique("f");
    r.to = aor(phone.user);
    r.call_id = "reg-" + phone.user + "-" + std::to_string(phone.generation) + "@192.168.1.50";
    r.cseq = phone.cseq += 5;
    r.extra = contact(phone) + "Expires: " + std::to_string(kExpires.count()) + "\r\n";
    ask(
        i, r, false,
        [this, i] {
          return std::pair(200, contact(phones_[i]).substr(0, contact(phones_[i]).size() - 2) +
                                    ";expires=" + std::to_string(kExpires.count()) + "\r\n");
        },
        [this, i, life](int status, const Request&) {
          phones_[i].registered = status == 200;
          report_.registrations += status == 200;
          after(status == 200 ? about(kExpires / 2) : milliseconds(seconds(20)),
                [this, i, life] { register_now(i, life); });
        });
  }

  void watch(std::size_t i, unsigned life, int n) {
    if (!alive(i, life)) return;
    auto& phone = phones_[i];
    const auto target = phones_[(i + static_cast<std::size_t>(n) + 1) % phones_.size()].user;
    Request r;
    r.method = "SUBSCRIBE";
    r.uri = "sip:" + target + "@pbx.example.com";
    r.from = aor(phone.user) + ";tag=" + unique("f");
    r.to = aor(target);
    r.call_id = unique("sub");
    r.extra = contact(phone) + "Event: dialog\r\nAccept: application/dialog-info+xml\r\nExpires: " +
              std::to_string(kSubscribedFor.count()) + "\r\n";
    ask(
        i, r, false,
        [] { return std::pair(200, "Expires: " + std::to_string(kSubscribedFor.count()) + "\r\n"); },
        [this, i, life](int status, const Request& dialog) {
          if (status != 200) return;
          Request notify;
          notify.method = "NOTIFY";
          notify.uri = "sip:" + phones_[i].user + "@192.168.1.50:5060";
          notify.from = dialog.to;
          notify.to = dialog.from;
          notify.call_id = dialog.call_id;
          notify.branch = unique("z9hG4bKp");
          notify.body =
              "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "
              "version=\"1\" state=\"full\"/>\n";
          notify.extra =
              "Event: dialog\r\nSubscription-State: active;expires=1700\r\nContact: "
              "<sip:pbx.example.com>\r\nContent-Type: application/dialog-info+xml\r\n";
          down(i, text(phones_[i], notify),
               [this, i, notify] { up(i, answer(phones_[i], notify, 200, "x")); });
        });
    after(about(kSubscribedFor), [this, i, life, n] { watch(i, life, n); });
  }

  void ping(std::size_t i, unsigned life) {
    if (!alive(i, life)) return;
    if (phones_[i].registered) {
      Request r;
      r.method = "OPTIONS";
      r.uri = "sip:" + phones_[i].user + "@192.168.1.50:5060";
      r.from = "<sip:pbx@pbx.example.com>;tag=" + unique("f");
      r.to = "<" + r.uri + ">";
      r.call_id = unique("ping");
      r.branch = unique("z9hG4bKp");
      down(i, text(phones_[i], r), [this, i, r] { up(i, answer(phones_[i], r, 200, unique("t"))); });
    }
    after(kPingEvery, [this, i, life] { ping(i, life); });
  }

  // Busy by day, quiet at night.
  milliseconds next_call() {
    const auto hour = std::chrono::duration_cast<hours>(now_).count() % 24;
    const milliseconds mean = hour >= 8 && hour < 18 ? minutes(20) : hours(3);
    return milliseconds(static_cast<std::int64_t>(
        std::exponential_distribution<>(1.0 / static_cast<double>(mean.count()))(random_)));
  }
  void call_sometimes(std::size_t i, unsigned life) {
    if (!alive(i, life)) return;
    if (phones_[i].registered) call(i);
    after(next_call(), [this, i, life] { call_sometimes(i, life); });
  }

  void call(std::size_t i) {
    const auto kind = below(100);
    const std::size_t callee = below(static_cast<std::uint32_t>(phones_.size()));
    const bool inside = kind < 50 && callee != i && phones_[callee].registered;
    const bool misdialled = kind >= 93;
    const std::string number = inside       ? phones_[callee].user
                               : misdialled ? std::to_string(500 + below(300))
                                            : "+4930" + std::to_string(1'000'000 + below(8'000'000));
    auto& phone = phones_[i];
    Request r;
    r.method = "INVITE";
    r.uri = "sip:" + number + "@pbx.example.com";
    r.from = aor(phone.user) + ";tag=" + unique("f");
    r.to = "<" + r.uri + ">";
    r.call_id = unique("call");
    r.body = sdp();
    r.extra = contact(phone) + "Content-Type: application/sdp\r\n";
    const int outcome = misdialled       ? 404
                        : kind % 10 == 0 ? 486
                        : kind % 10 == 1 ? 480
                        : kind % 10 == 2 ? 503
                                         : 200;
    ask(
        i, r, true,
        [outcome] {
          return std::pair(outcome,
                           outcome == 200 ? "Contact: <sip:desk@pbx.example.com>\r\n" : std::string());
        },
        [this, i, inside, callee](int status, const Request& dialog) {
          if (status != 200) return;
          ++report_.calls;
          acknowledge(i, dialog, unique("z9hG4bK"));
          if (inside) called(callee);
          if (below(5) == 0) after(about(seconds(15)), [this, i, dialog] { hold(i, dialog); });
          after(about(minutes(2)), [this, i, dialog] { hang_up(i, dialog); });
        });
  }
  // In a dialog phones send what they know of the nonce at once, and the PBX asks no more.
  void hold(std::size_t i, const Request& dialog) {
    Request r = dialog;
    ++r.cseq;
    r.branch = unique("z9hG4bK");
    r.extra = contact(phones_[i]) + "Content-Type: application/sdp\r\n";
    r.body = sdp() + "a=sendonly\r\n";
    up(i, text(phones_[i], r), [this, i, r] {
      down(i, answer(phones_[i], r, 200, "", "Contact: <sip:desk@pbx.example.com>\r\n"),
           [this, i, r] { acknowledge(i, r, unique("z9hG4bK")); });
    });
  }
  void hang_up(std::size_t i, const Request& dialog) {
    Request r = dialog;
    r.method = "BYE";
    r.cseq += 2;
    r.branch = unique("z9hG4bK");
    r.extra.clear();
    r.body.clear();
    up(i, text(phones_[i], r), [this, i, r] { down(i, answer(phones_[i], r, 200, "")); });
  }

  void called(std::size_t i) {
    Request r;
    r.method = "INVITE";
    r.uri = "sip:" + phones_[i].user + "@192.168.1.50:5060";
    r.from = "\"J\xC3\xBCrgen, Office\" <sip:pbx@pbx.example.com>;tag=" + unique("f");
    r.to = aor(phones_[i].user);
    r.call_id = unique("in");
    r.branch = unique("z9hG4bKp");
    r.body = sdp();
    r.extra = "Contact: <sip:pbx.example.com>\r\nContent-Type: application/sdp\r\n";
    const auto tag = unique("t");
    down(i, text(phones_[i], r), [this, i, r, tag] {
      up(i, answer(phones_[i], r, 180, tag, contact(phones_[i])));
      after(about(seconds(8)), [this, i, r, tag] {
        up(i, answer(phones_[i], r, 200, tag, contact(phones_[i])), [this, i, r, tag] {
          Request ack = r;
          ack.method = "ACK";
          ack.to += ";tag=" + tag;
          ack.branch = unique("z9hG4bKp");
          ack.extra.clear();
          ack.body.clear();
          down(i, text(phones_[i], ack));
          after(about(minutes(1)), [this, i, ack] {
            Request bye = ack;
            bye.method = "BYE";
            bye.uri = "sip:pbx.example.com";
            std::swap(bye.from, bye.to);
            bye.branch = unique("z9hG4bK");
            up(i, text(phones_[i], bye), [this, i, bye] { down(i, answer(phones_[i], bye, 200, "")); });
          });
        });
      });
    });
  }

  Wire& wire_;
  Options options_;
  std::mt19937 random_;
  std::vector<Phone> phones_;
  std::vector<std::string> addresses_;
  std::map<std::string, milliseconds> nonces_;
  std::priority_queue<Event> events_;
  milliseconds now_{};
  std::uint64_t number_ = 0, unique_ = 0, ports_ = 0, connections_ = 0;
  Report report_;
};

}  // namespace

Report run(Wire& wire, const Options& options) {
  return Day(wire, options).go();
}

}  // namespace sipward::day
