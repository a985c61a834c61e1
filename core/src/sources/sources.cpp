#include "sipward/sources.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "sipward/packet.hpp"
#include "sipward/sip/message.hpp"
#include "sources/bounded_table.hpp"
#include "sources/registrations.hpp"
#include "sources/regulars.hpp"

namespace sipward {
namespace {

using namespace std::chrono_literals;
using sip::HeaderId;
using sip::Method;

constexpr auto kProvenFor = 10min;       // after the last proof
constexpr auto kChallengeFor = 5min;     // a nonce that was sent
constexpr auto kTagFor = 10min;          // a To or From tag that was sent
constexpr auto kDialogFor = 24h;         // a confirmed dialog, since its last in-dialog request
constexpr auto kTransactionFor = 32s;    // 64*T1 (RFC 3261 17.1.1.2)
constexpr auto kRingingFor = 180s;       // Timer C (RFC 3261 16.6 step 11)
constexpr auto kDefaultExpires = 3600s;  // RFC 3261 10.2.1.1
constexpr auto kMaxExpires = 7 * 24h;
constexpr std::size_t kSeveralContacts = 1 << 11;  // REGISTERs under way that bring more than one

// Puts texts one after another, with a separator no SIP token holds, and hashes them. What does not fit is
// hashed into what stands there already, so that long values still tell apart.
class KeyText {
 public:
  explicit KeyText(const HashKey& key) : key_(key) {}
  KeyText& add(std::string_view text) {
    if (text.size() + 9 > buffer_.size() - used_) fold();
    if (text.size() + 9 > buffer_.size() - used_) {
      add(keyed_hash(key_, text));
    } else {
      std::copy(text.begin(), text.end(), buffer_.begin() + used_);
      used_ += static_cast<std::ptrdiff_t>(text.size());
      buffer_[static_cast<std::size_t>(used_++)] = '\n';
    }
    return *this;
  }
  KeyText& add(std::uint64_t number) {
    if (buffer_.size() - static_cast<std::size_t>(used_) < 9) fold();
    std::memcpy(buffer_.data() + used_, &number, sizeof number);
    used_ += sizeof number;
    return *this;
  }
  KeyText& add(const Address& address) { return add(address.high()).add(address.low()); }
  std::uint64_t hash() const {
    const auto h = keyed_hash(key_, std::string_view(buffer_.data(), static_cast<std::size_t>(used_)));
    return h == 0 ? 1 : h;
  }

 private:
  void fold() {
    const auto h = hash();
    used_ = 0;
    std::memcpy(buffer_.data(), &h, sizeof h);
    used_ = sizeof h;
  }
  const HashKey& key_;
  std::ptrdiff_t used_ = 0;
  std::array<char, 512> buffer_;
};

struct Mark {  // something that was sent and may be echoed
  std::uint64_t key = 0;
  Time expires{};
};
struct Known {
  std::uint64_t key = 0;
  Time expires{};  // the latest of those below
  Time proven_until{}, registered_until{}, called_until{};
  Proof proof = Proof::none;
  void settle() { expires = std::max({proven_until, registered_until, called_until}); }
};
struct Way {  // how to reach a client that something of the upstream's is meant for
  std::uint64_t key = 0;
  Time expires{};
  bool proven = false;
  bool accepted = false;  // of a dialog: by a 2xx
  Peer peer;
  std::uint64_t twin = 0;  // the other key of the same registration
  int rank() const { return proven ? 1 : 0; }
};

struct Contacts {  // of a REGISTER that brings several
  static constexpr std::size_t kMost = 10;
  std::uint64_t key = 0;
  Time expires{};
  struct Binding {
    std::uint64_t contact = 0;
    bool ends = false;
  };
  std::array<Binding, kMost> bindings;
  std::size_t count = 0;
};

struct Grant {
  std::string_view contact;
  std::chrono::seconds lives{0};
};

std::uint64_t contact_key(std::uint64_t contact_hash) {
  return contact_hash | 1;
}

bool makes_dialog(Method method) {
  return method == Method::invite || method == Method::subscribe || method == Method::refer;
}

// The 2xx to a REGISTER lists every binding of the address-of-record (RFC 3261 10.3 step 8); the client's own
// is the one it asked for. A registrar may have mended its Contact; then the one that lives longest is the
// new one.
Grant granted_to(sip::Message& m, const HashKey& key, std::uint64_t asked) {
  Grant best;
  sip::ValueReader values(m, HeaderId::contact);
  for (std::string_view element; values.next(element);) {
    const auto binding = sip::parse_name_addr(element);
    auto seconds =
        std::chrono::seconds(m.expires().value_or(static_cast<std::uint32_t>(kDefaultExpires.count())));
    if (const auto text = sip::find_parameter(binding.parameters, "expires"))
      if (const auto number = sip::parse_number(*text))
        seconds = std::chrono::seconds(std::min<std::uint64_t>(*number, 0xFFFFFFFF));
    if (keyed_hash(key, binding.uri) == asked) return {binding.uri, seconds};
    if (seconds > best.lives) best = {binding.uri, seconds};
  }
  return best;
}

}  // namespace

std::string_view to_string(Evidence evidence) {
  switch (evidence) {
    case Evidence::proven:
      return "proven";
    case Evidence::trusted:
      return "trusted";
    case Evidence::unproven:
      break;
  }
  return "unproven";
}

std::string_view to_string(Proof proof) {
  switch (proof) {
    case Proof::handshake:
      return "handshake";
    case Proof::nonce:
      return "nonce";
    case Proof::to_tag:
      return "to_tag";
    case Proof::options:
      return "options";
    case Proof::registration:
      return "registration";
    case Proof::none:
      break;
  }
  return "none";
}

Peer Transaction::peer() const {
  Peer p;
  p.remote = remote;
  p.local = local;
  p.transport = transport;
  p.handler = handler;
  p.route = route;
  p.listener = listener;
  p.connection = connection;
  return p;
}

struct Sources::Impl {
  HashKey key;
  // Transactions of unproven and of proven sources apart: a flood of the first can't push out the second.
  std::array<BoundedTable<Transaction>, 2> transactions;
  BoundedTable<Mark> challenges, tags;
  BoundedTable<Known> proven;
  BoundedTable<Way> contacts, dialogs;
  BoundedTable<Contacts> several;
  Registrations registrations;
  Regulars regulars;
  std::atomic<std::size_t> transactions_size{0}, proven_size{0}, registrations_size{0}, dialogs_size{0};

  Impl(const HashKey& k, const Limits& l)
      : key(k),
        transactions{BoundedTable<Transaction>(l.transactions), BoundedTable<Transaction>(l.transactions)},
        challenges(l.tags),
        tags(l.tags),
        proven(l.proven),
        contacts(l.proven),
        dialogs(l.proven),
        several(kSeveralContacts),
        registrations(k, l.registrations),
        regulars(k) {}

  std::uint64_t endpoint_key(const Endpoint& e) const {
    const auto h = keyed_hash(key, e);
    return h == 0 ? 1 : h;
  }
  // Of a stream nothing but its connection says that it is the same client.
  std::uint64_t client_key(const Peer& client) const {
    if (!is_stream(client.transport)) return endpoint_key(client.remote);
    const auto h = KeyText(key).add("stream").add(client.connection).hash();
    return h == 0 ? 1 : h;
  }
  std::uint64_t transaction_key(sip::Message& m, std::uint32_t listener) const {
    const auto& via = m.via();
    const auto& cseq = m.cseq();
    KeyText text(key);
    text.add(via.branch.empty() ? via.host : via.branch).add(m.call_id());
    text.add(std::uint64_t{listener});  // a message may pass two servers of one process
    // An ACK belongs to its INVITE, a CANCEL is a transaction of its own with the INVITE's branch.
    text.add(std::uint64_t{cseq.number})
        .add(cseq.method_name == "ACK" ? std::string_view("INVITE") : cseq.method_name);
    if (!via.has_cookie()) text.add(m.from().tag);
    return text.hash();
  }
  // Who asks what of whom: the same in every retransmission of a request.
  std::uint64_t content_hash(const sip::Message& m) const {
    KeyText text(key);
    text.add(m.request_uri()).add(m.value(HeaderId::from)).add(m.value(HeaderId::to));
    for (auto id : {HeaderId::contact, HeaderId::authorization, HeaderId::proxy_authorization})
      m.for_each(id, [&](const sip::Header& h) { text.add(h.value); });
    return text.hash();
  }
  std::uint64_t tag_key(std::string_view call_id, std::string_view tag, const Address& a) const {
    return KeyText(key).add(call_id).add(tag).add(a).hash();
  }
  std::uint64_t dialog_key(std::string_view call_id, std::string_view tag) const {
    return KeyText(key).add(call_id).add(tag).hash();
  }
  std::uint64_t nonce_key(std::string_view nonce, const Address& a) const {
    return KeyText(key).add(nonce).add(a).hash();
  }
  std::uint64_t user_hash(const sip::Uri& uri) const {
    std::array<char, 256> buffer;
    return keyed_hash(key, sip::normalise_user(uri.user, buffer, uri.scheme));
  }
  // An upstream that mends NATed Contacts calls the same user at our own address.
  std::uint64_t contact_user_key(std::string_view contact_uri) const {
    return KeyText(key).add("user").add(sip::parse_uri(contact_uri).user).hash();
  }
  template <class Entry>
  static Entry& put(BoundedTable<Entry>& table, std::uint64_t k, Time now, Time expires) {
    bool made = false;
    auto& e = table.insert(k, now, made);
    e.expires = std::max(e.expires, expires);
    return e;
  }
  // A forger can't take over a way that its owner proved.
  static void put_way(BoundedTable<Way>& table, const Way& next, Time now) {
    bool made = false;
    auto& way = table.insert(next.key, now, made);
    if (made || !way.proven || next.proven) way = next;
  }
  // Both keys of a registration that its own address ended.
  void forget_way(std::uint64_t k, const Address& address, Time now) {
    auto* way = contacts.find(k, now);
    if (!way || way->peer.remote.address != address) return;
    const auto twin = way->twin;
    contacts.erase(*way);
    auto* other = contacts.find(twin, now);
    if (other && other->twin == k) contacts.erase(*other);
  }
  bool nonce_sent(const sip::Message& m, const Address& a, Time now) const {
    bool found = false;
    for (auto id : {HeaderId::authorization, HeaderId::proxy_authorization})
      m.for_each(id, [&](const sip::Header& h) {
        if (found) return;
        const auto auth = sip::parse_auth(h.value);
        found = auth.ok && !auth.nonce.empty() && challenges.find(nonce_key(auth.nonce, a), now) != nullptr;
      });
    return found;
  }
  bool tag_sent(sip::Message& m, std::string_view tag, const Address& a, Time now) {
    if (tag.empty()) return false;
    auto* mark = tags.find(tag_key(m.call_id(), tag, a), now);
    if (!mark) return false;
    // Only its receiver can echo it: from now on it is a live dialog, or at least worth remembering.
    const bool ends = m.kind() == sip::Kind::request && m.method() == Method::bye;
    mark->expires = now + (ends ? Duration(kTransactionFor * 2) : Duration(kDialogFor));
    return true;
  }
  Standing standing(std::uint64_t client, Time now) const;
  void trust_caller(const Peer& peer, Time now);
  void register_answer(sip::Message& m, const Peer& peer, const Transaction& t, Time now);
  void bind(sip::Message& m, const Peer& peer, const Transaction& t, std::uint64_t contact, Time now);
  void unbind(sip::Message& m, const Peer& peer, std::uint64_t contact, Time now);
  void note_contacts(sip::Message& m, Transaction& t, Time now);
  void publish_sizes() {
    transactions_size.store(transactions[0].used() + transactions[1].used(), std::memory_order_relaxed);
    proven_size.store(proven.used(), std::memory_order_relaxed);
    registrations_size.store(registrations.size(), std::memory_order_relaxed);
    dialogs_size.store(dialogs.used(), std::memory_order_relaxed);
  }
};

Sources::Sources(const HashKey& key, const Limits& limits) : impl_(std::make_unique<Impl>(key, limits)) {}
Sources::~Sources() = default;

const HashKey& Sources::key() const {
  return impl_->key;
}
std::uint64_t Sources::hash(std::string_view text) const {
  return keyed_hash(impl_->key, text);
}

Standing Sources::Impl::standing(std::uint64_t client, Time now) const {
  const auto* known = proven.find(client, now);
  if (!known) return {};
  if (known->registered_until > now) return {Evidence::trusted, Proof::registration};
  return {known->called_until > now ? Evidence::trusted : Evidence::proven, known->proof};
}

Standing Sources::standing(const Endpoint& source, Time now) const {
  return impl_->standing(impl_->endpoint_key(source), now);
}

Standing Sources::standing(const Peer& client, Time now) const {
  const auto known = impl_->standing(impl_->client_key(client), now);
  if (known.evidence == Evidence::unproven && is_stream(client.transport))
    return {Evidence::proven, Proof::handshake};
  return known;
}

std::size_t Sources::registrations(const Address& address, Time now) const {
  return impl_->registrations.count(address, now);
}

std::size_t Sources::registrations_of_others(const Endpoint& source, Time now) const {
  return impl_->registrations.count_others(source, now);
}

std::size_t Sources::regulars(const Address& address, Time now) const {
  return std::max(registrations(address, now), impl_->regulars.count(address, now));
}

void Sources::for_each_regular(Time now,
                               const std::function<void(const Address&, std::size_t, Time)>& visit) const {
  for (const auto& r : impl_->regulars.list(now)) visit(r.address, r.registrations, r.expires);
}

void Sources::restore_regular(const Address& address, std::size_t most, Time until, Time now) {
  const auto bounded = static_cast<std::uint32_t>(std::min<std::size_t>(most, Regulars::kMost));
  impl_->regulars.restore({address, bounded, until}, now);
}

bool Sources::is_registered(const Address& address, std::string_view user, Time now) const {
  std::array<char, 256> buffer;
  return impl_->registrations.has(address, hash(sip::normalise_user(user, buffer)), now);
}

bool Sources::find_registration(std::string_view contact_uri, Time now, Peer& out) const {
  const auto* way = impl_->contacts.find(contact_key(hash(contact_uri)), now);
  if (!way) way = impl_->contacts.find(impl_->contact_user_key(contact_uri), now);
  if (way) out = way->peer;
  return way != nullptr;
}

bool Sources::find_dialog(std::string_view call_id, std::string_view client_tag, Time now, Peer& out) const {
  const auto* way = impl_->dialogs.find(impl_->dialog_key(call_id, client_tag), now);
  if (way) out = way->peer;
  return way != nullptr;
}

Sources::Sizes Sources::sizes() const {
  return {impl_->transactions_size.load(std::memory_order_relaxed),
          impl_->proven_size.load(std::memory_order_relaxed),
          impl_->registrations_size.load(std::memory_order_relaxed),
          impl_->dialogs_size.load(std::memory_order_relaxed)};
}

Proof Sources::inbound(sip::Message& message, const Peer& peer, Time now) {
  if (is_stream(peer.transport)) return Proof::handshake;
  auto proof = Proof::none;
  const auto& address = peer.remote.address;
  if (message.kind() == sip::Kind::request) {
    if (impl_->nonce_sent(message, address, now))
      proof = Proof::nonce;
    else if (impl_->tag_sent(message, message.to().tag, address, now))
      proof = Proof::to_tag;
  } else if (message.kind() == sip::Kind::response &&
             impl_->tag_sent(message, message.from().tag, address, now)) {
    proof = message.cseq().method == Method::options ? Proof::options : Proof::to_tag;
  }
  if (proof == Proof::none) return proof;
  auto& known = impl_->put(impl_->proven, impl_->endpoint_key(peer.remote), now, now + kProvenFor);
  known.proof = proof;
  known.proven_until = now + kProvenFor;
  if (proof == Proof::to_tag && message.kind() == sip::Kind::request) {
    if (auto* way = impl_->dialogs.find(impl_->dialog_key(message.call_id(), message.from().tag), now)) {
      way->proven = true;
      way->peer = peer;
      way->expires = now + Duration(kDialogFor);
      if (way->accepted) impl_->trust_caller(peer, now);
    }
  }
  return proof;
}

void Sources::outbound(sip::Message& message, const Peer& peer, const Transaction* transaction, Time now) {
  const auto& address = peer.remote.address;
  if (message.kind() == sip::Kind::request) {
    // The answer will carry the upstream's From tag back.
    if (!is_stream(peer.transport) && !message.from().tag.empty())
      impl_->put(impl_->tags, impl_->tag_key(message.call_id(), message.from().tag, address), now,
                 now + kTagFor);
    return;
  }
  if (message.kind() != sip::Kind::response) return;
  const auto status = message.status();
  if (status == 401 || status == 407) {
    for (auto id : {HeaderId::www_authenticate, HeaderId::proxy_authenticate})
      message.for_each(id, [&](const sip::Header& h) {
        const auto auth = sip::parse_auth(h.value);
        if (auth.ok && !auth.nonce.empty())
          impl_->put(impl_->challenges, impl_->nonce_key(auth.nonce, address), now, now + kChallengeFor);
      });
  }
  const auto method = message.cseq().method;
  if (status > 100 && makes_dialog(method) && !message.to().tag.empty()) {
    if (!is_stream(peer.transport))
      impl_->put(impl_->tags, impl_->tag_key(message.call_id(), message.to().tag, address), now,
                 now + kTagFor);
    if (status < 300) {
      const auto key = impl_->dialog_key(message.call_id(), message.from().tag);
      const auto* known = impl_->dialogs.find(key, now);
      const Time expires = std::max(now + Duration(kTagFor), known ? known->expires : Time{});
      const bool is_proven = transaction && transaction->proof != Proof::none;
      const bool accepted = status >= 200 && method == Method::invite;
      impl_->put_way(impl_->dialogs, {key, expires, is_proven, accepted, peer, 0}, now);
      if (accepted && is_proven) impl_->trust_caller(peer, now);
    }
  }
  if (method == Method::register_ && status >= 200 && status < 300 && transaction)
    impl_->register_answer(message, peer, *transaction, now);
  impl_->publish_sizes();
}

void Sources::Impl::unbind(sip::Message& m, const Peer& peer, std::uint64_t contact, Time now) {
  registrations.remove(peer.remote.address, user_hash(sip::parse_uri(m.to().uri)), contact);
  forget_way(contact != 0 ? contact_key(contact) : contact_user_key(m.to().uri), peer.remote.address, now);
}

void Sources::Impl::bind(sip::Message& m, const Peer& peer, const Transaction& t, std::uint64_t contact,
                         Time now) {
  const bool is_proven = t.proof != Proof::none;
  const auto grant = granted_to(m, key, contact);
  if (grant.lives <= 0s) return;
  const Time expires = now + std::min<Duration>(grant.lives, kMaxExpires);
  const auto by_contact = contact_key(contact), by_user = contact_user_key(grant.contact);
  put_way(contacts, {by_contact, expires, is_proven, false, peer, by_user}, now);
  put_way(contacts, {by_user, expires, is_proven, false, peer, by_contact}, now);
  if (!is_proven) return;
  registrations.add(peer.remote, user_hash(sip::parse_uri(m.to().uri)), contact, expires, now);
  regulars.note(peer.remote.address, registrations.count(peer.remote.address, now), now);
}

void Sources::Impl::register_answer(sip::Message& m, const Peer& peer, const Transaction& t, Time now) {
  const bool is_proven = t.proof != Proof::none;
  if (const auto* all = several.find(t.key, now)) {
    for (std::size_t i = 0; i < all->count; ++i) {
      const auto& binding = all->bindings[i];
      binding.ends ? unbind(m, peer, binding.contact, now) : bind(m, peer, t, binding.contact, now);
    }
  } else if (t.registration_ends) {
    unbind(m, peer, t.contact, now);
  } else if (t.binds) {
    bind(m, peer, t, t.contact, now);
  }
  if (!is_proven) return;
  const Time until = registrations.last_expiry(peer.remote, now);
  auto* known = proven.find(client_key(peer), now);
  if (!known && is_stream(peer.transport) && until > now) known = &put(proven, client_key(peer), now, until);
  if (!known) return;
  if (is_stream(peer.transport)) known->proof = Proof::handshake;
  known->registered_until = until;
  known->settle();
}

// The upstream accepted a call of this client, who proved himself; or something of that call came.
void Sources::Impl::trust_caller(const Peer& peer, Time now) {
  const Time until = now + Duration(kProvenFor);
  auto& known = put(proven, client_key(peer), now, until);
  if (is_stream(peer.transport)) known.proof = Proof::handshake;
  if (known.proof == Proof::none) known.proof = Proof::to_tag;
  known.called_until = until;
  known.settle();
}

Transaction* Sources::find(sip::Message& message, std::uint32_t listener, Time now) {
  if (!message.via().ok || !message.cseq().ok) return nullptr;
  const auto key = impl_->transaction_key(message, listener);
  for (auto& table : impl_->transactions)
    if (auto* t = table.find(key, now)) {
      if (message.kind() == sip::Kind::request && message.method() != Method::ack &&
          t->content != impl_->content_hash(message))
        return nullptr;
      if (message.kind() == sip::Kind::response) {
        const bool rings = message.status() < 200 && t->method == Method::invite;
        t->expires = std::max(t->expires, now + (rings ? Duration(kRingingFor) : Duration(kTransactionFor)));
      }
      return t;
    }
  return nullptr;
}

// What a REGISTER asks for. Contacts past the bound are left to the upstream alone.
void Sources::Impl::note_contacts(sip::Message& m, Transaction& t, Time now) {
  Contacts all;
  bool all_end = true;
  sip::ValueReader values(m, HeaderId::contact);
  for (std::string_view element; values.next(element);) {
    const auto binding = sip::parse_name_addr(element);
    const auto contact = binding.star ? 0 : keyed_hash(key, binding.uri);
    const auto expires = sip::find_parameter(binding.parameters, "expires");
    const bool ends = expires ? sip::parse_number(*expires) == 0U : m.expires() == 0U;
    if (!t.binds) t.contact = contact;
    t.binds = true;
    all_end = all_end && ends;
    if (all.count < Contacts::kMost) all.bindings[all.count++] = {contact, ends};
  }
  t.registration_ends = t.binds && all_end;
  if (all.count < 2) return;
  bool made = false;
  auto& entry = several.insert(t.key, now, made);
  all.key = t.key;
  all.expires = t.expires;
  entry = all;
}

Transaction* Sources::begin(sip::Message& message, const Peer& peer, Proof proof, Time now) {
  if (message.method() == Method::ack || !message.via().ok || !message.cseq().ok) return nullptr;
  const auto key = impl_->transaction_key(message, peer.listener);
  const auto content = impl_->content_hash(message);
  const bool known = proof != Proof::none || standing(peer, now).evidence != Evidence::unproven;
  for (auto& table : impl_->transactions)
    if (auto* t = table.find(key, now)) {
      if (t->remote != peer.remote || t->connection != peer.connection || t->content != content)
        return nullptr;
      t->route = peer.route;  // a reload may have given the retransmission another way
      t->handler = peer.handler;
      t->expires = std::max(t->expires, now + Duration(kTransactionFor));
      return t;
    }
  bool made = false;
  auto& t = impl_->transactions[known ? 1 : 0].insert(key, now, made);
  t.expires = now + Duration(kTransactionFor);
  t.content = content;
  t.remote = peer.remote;
  t.local = peer.local;
  t.connection = peer.connection;
  t.listener = peer.listener;
  t.route = peer.route;
  t.handler = peer.handler;
  t.transport = peer.transport;
  t.method = message.method();
  t.proof = proof;
  t.in_dialog = !message.to().tag.empty();
  for (auto id : {HeaderId::authorization, HeaderId::proxy_authorization})
    message.for_each(id, [&](const sip::Header& h) {
      t.credentials = true;
      const auto auth = sip::parse_auth(h.value);
      if (!auth.ok) return;
      if (impl_->challenges.find(impl_->nonce_key(auth.nonce, peer.remote.address), now))
        t.nonce_known = true;
      t.credential_user = hash(auth.username);
    });
  t.target_user =
      impl_->user_hash(t.method == Method::register_ ? sip::parse_uri(message.to().uri) : message.uri());
  if (t.method == Method::register_) impl_->note_contacts(message, t, now);
  impl_->publish_sizes();
  return &t;
}

}  // namespace sipward
