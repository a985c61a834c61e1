#include "runtime/resolver.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <random>
#include <utility>

namespace sipward {
namespace {

using What = LookupResult::What;
using std::chrono::milliseconds;

std::string lower(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

template <class List>
void make_set(List& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

std::string joined(const std::vector<Address>& addresses) {
  std::string text;
  for (const auto& address : addresses) text += (text.empty() ? "" : " ") + address.to_string();
  return text;
}

}  // namespace

milliseconds ResolverTimes::refresh(std::chrono::seconds ttl) const {
  return std::clamp<milliseconds>(std::min<std::chrono::seconds>(ttl, std::chrono::hours(24)), least, most);
}

milliseconds ResolverTimes::retry(unsigned failures, std::uint32_t random) const {
  const auto step = first_retry * (std::uint64_t{1} << std::min(failures > 0 ? failures - 1 : 0, 20U));
  const auto whole = std::min<milliseconds>(std::chrono::duration_cast<milliseconds>(step), last_retry);
  return whole - whole * (random % 256) / 1024;
}

// One who wants to know. `live` ends with the handle that he holds, whatever is still on its way to him.
template <class Answer>
struct NameResolver::Watcher {
  std::function<void(const Answer&)> changed;
  std::atomic<bool> live = true;
};

// The last good answer, and who is told of it.
template <class Answer>
class NameResolver::Watched {
 public:
  using WatcherPtr = std::shared_ptr<Watcher<Answer>>;

  // Tells what is known already.
  WatcherPtr add(std::function<void(const Answer&)> changed) {
    auto watcher = std::make_shared<Watcher<Answer>>();
    watcher->changed = std::move(changed);
    Answer known;
    std::lock_guard order(telling_);
    {
      std::lock_guard lock(mutex_);
      std::erase_if(watchers_, [](const auto& weak) { return weak.expired(); });
      watchers_.push_back(watcher);
      known = last_;
    }
    if (!known.empty()) watcher->changed(known);
    return watcher;
  }
  // False when it says what is known already, or nothing at all.
  bool tell(const Answer& answer) {
    std::vector<WatcherPtr> watchers;
    std::lock_guard order(telling_);
    {
      std::lock_guard lock(mutex_);
      if (answer.empty() || answer == last_) return false;
      last_ = answer;
      for (const auto& weak : watchers_)
        if (auto watcher = weak.lock()) watchers.push_back(std::move(watcher));
    }
    for (const auto& watcher : watchers)
      if (watcher->live) watcher->changed(answer);
    return true;
  }
  Answer last() const {
    std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  // Held while watchers are told, so that nobody hears an older answer after a newer one. They ask for no
  // names.
  std::mutex telling_;
  mutable std::mutex mutex_;
  Answer last_;
  std::vector<std::weak_ptr<Watcher<Answer>>> watchers_;
};

// What asking for a host and for a service have in common: when to ask again, and what is said of failures.
// All of it happens on the thread of `io`.
class NameResolver::Asker {
 public:
  Asker(std::shared_ptr<Shared> shared, std::string name)
      : shared_(std::move(shared)), name_(std::move(name)), timer_(shared_->io) {}

 protected:
  template <class Self>
  static void ask(const std::shared_ptr<Self>& self, Lookup kind) {
    self->shared_->client.ask(
        kind, self->name_, [weak = std::weak_ptr(self), kind, io = &self->shared_->io](LookupResult result) {
          boost::asio::post(*io, [weak, kind, result = std::move(result)] {
            if (const auto live = weak.lock()) live->answered(kind, result);
          });
        });
  }
  template <class Self>
  static void ask_later(const std::shared_ptr<Self>& self, milliseconds time) {
    self->timer_.expires_after(time);
    self->timer_.async_wait([weak = std::weak_ptr(self)](const boost::system::error_code& stopped) {
      const auto live = weak.lock();
      if (live && !stopped) live->ask_now();
    });
  }
  // One round of questions is over. Returns when to ask again.
  milliseconds next(bool found, bool failed, std::chrono::seconds ttl, const std::string& why) {
    if (!found && !said_) {
      shared_->log.warn("core", "a name does not resolve; the last good answer is kept",
                        {{"name", name_}, {"why", why}});
    } else if (found && said_) {
      shared_->log.info("core", "a name resolves again", {{"name", name_}});
    }
    said_ = !found;
    failures_ = found && !failed ? 0 : failures_ + 1;
    const auto& times = shared_->times;
    if (failures_ == 0) return times.refresh(ttl);
    const auto retry = times.retry(failures_, std::random_device()());
    return found ? std::min(times.refresh(ttl), retry) : retry;
  }

  std::shared_ptr<Shared> shared_;
  std::string name_;

 private:
  boost::asio::steady_timer timer_;
  unsigned failures_ = 0;
  bool said_ = false;
};

class NameResolver::Host final : public Asker, public std::enable_shared_from_this<Host> {
 public:
  using Answer = std::vector<Address>;
  Host(std::shared_ptr<Shared> shared, std::string name) : Asker(std::move(shared), std::move(name)) {}

  Watched<Answer> watched;

  void ask_now() {
    again_ = pending_ != 0;
    if (again_) return;
    pending_ = 2;
    round_ = {};
    ask(shared_from_this(), Lookup::v4);
    ask(shared_from_this(), Lookup::v6);
  }
  void answered(Lookup kind, const LookupResult& result) {
    auto& mine = kind == Lookup::v4 ? fresh_v4_ : fresh_v6_;
    mine = result;
    round_.found = round_.found || result.what == What::found;
    round_.failed = round_.failed || result.what == What::failed;
    if (result.what == What::found) round_.ttl = std::min(round_.ttl, result.ttl);
    // That there is no IPv6 address says less than what went wrong.
    if (result.what != What::found && (round_.why.empty() || result.what == What::failed))
      round_.why = result.why;
    if (--pending_ != 0) return;
    if (round_.found) {
      take(fresh_v4_, v4_);
      take(fresh_v6_, v6_);
      tell();
    }
    const auto time = next(round_.found, round_.failed, round_.ttl, round_.why);
    ask_later(shared_from_this(), again_ ? milliseconds(0) : time);
  }

 private:
  struct Round {
    bool found = false, failed = false;
    std::chrono::seconds ttl = std::chrono::hours(24);
    std::string why;
  };

  static void take(const LookupResult& from, Answer& to) {
    if (from.what != What::failed) to = from.addresses;
  }
  void tell() {
    Answer all = v4_;
    all.insert(all.end(), v6_.begin(), v6_.end());
    make_set(all);
    const auto count = all.size();
    if (count > kMaxAddresses) all.resize(kMaxAddresses);
    const auto before = watched.last();
    if (!watched.tell(all)) return;
    shared_->log.info("core", "a name resolves to",
                      {{"name", name_}, {"addresses", joined(all)}, {"before", joined(before)}});
    if (count > kMaxAddresses)
      shared_->log.warn("core", "a name has too many addresses; only the first are used",
                        {{"name", name_}, {"addresses", std::to_string(count)}});
  }

  int pending_ = 0;     // questions under way
  bool again_ = false;  // when they are answered, ask at once
  Round round_;
  LookupResult fresh_v4_, fresh_v6_;
  Answer v4_, v6_;
};

// The targets of a service; each is a host of its own, with its own time.
class NameResolver::Service final : public Asker, public std::enable_shared_from_this<Service> {
 public:
  using Answer = std::vector<ServiceTarget>;
  using FindHost = std::function<std::shared_ptr<Host>(const std::string&)>;
  Service(std::shared_ptr<Shared> shared, std::string name, FindHost find)
      : Asker(std::move(shared), std::move(name)), find_(std::move(find)) {}

  Watched<Answer> watched;

  void ask_now() {
    again_ = pending_;
    if (again_) return;
    pending_ = true;
    ask(shared_from_this(), Lookup::service);
  }
  void answered(Lookup, const LookupResult& result) {
    pending_ = false;
    const bool found = result.what == What::found;
    if (found && result.records != records_) {
      records_ = result.records;
      follow();
    }
    const auto time = next(found, !found, result.ttl, result.why);
    ask_later(shared_from_this(), again_ ? milliseconds(0) : time);
  }

 private:
  struct Target {
    std::shared_ptr<Host> host;
    std::shared_ptr<Watcher<Host::Answer>> watcher;
  };

  void follow() {
    std::map<std::string, Target> targets;
    for (const auto& record : records_) {
      auto& target = targets[record.target];
      if (const auto have = targets_.find(record.target); have != targets_.end()) target = have->second;
      if (!target.host) target.host = find_(record.target);
    }
    targets_.swap(targets);
    for (auto& [name, target] : targets_) {
      if (target.watcher) continue;
      target.watcher = target.host->watched.add([weak = weak_from_this()](const Host::Answer&) {
        if (const auto live = weak.lock()) live->tell();
      });
    }
    tell();
  }
  void tell() {
    Answer all;
    for (const auto& record : records_) {
      const auto target = targets_.find(record.target);
      if (target == targets_.end()) continue;
      for (const auto& address : target->second.host->watched.last())
        all.push_back({{address, record.port}, record.priority, record.weight});
    }
    make_set(all);
    const auto count = all.size();
    if (count > kMaxAddresses) all.resize(kMaxAddresses);
    if (!watched.tell(all)) return;
    shared_->log.info("core", "a service has other addresses",
                      {{"name", name_}, {"addresses", std::to_string(count)}});
    if (count > kMaxAddresses)
      shared_->log.warn("core", "a service has too many addresses; only the first are used",
                        {{"name", name_}, {"addresses", std::to_string(count)}});
  }

  FindHost find_;
  bool pending_ = false;
  bool again_ = false;
  std::vector<SrvRecord> records_;
  std::map<std::string, Target> targets_;
};

// The name that somebody watches already, or a new one that is asked for from now on.
template <class Name>
std::shared_ptr<Name> NameResolver::find(std::map<std::string, std::weak_ptr<Name>>& names,
                                         const std::string& name,
                                         const std::function<std::shared_ptr<Name>()>& make) {
  std::lock_guard lock(mutex_);
  auto& slot = names[name];
  if (auto known = slot.lock()) return known;
  std::erase_if(names, [&](const auto& entry) { return entry.first != name && entry.second.expired(); });
  auto made = make();
  names[name] = made;
  boost::asio::post(shared_->io, [made] { made->ask_now(); });
  return made;
}

std::shared_ptr<NameResolver::Host> NameResolver::host(const std::string& name) {
  return find<Host>(hosts_, name, [&] { return std::make_shared<Host>(shared_, name); });
}

// What a watcher holds: him and his name. The last reference may end on any thread; Asio's objects are taken
// apart on their own.
template <class Name, class WatcherPtr>
std::shared_ptr<void> NameResolver::handle(std::shared_ptr<Name> name, WatcherPtr watcher) {
  auto* const key = watcher.get();
  return std::shared_ptr<void>(
      key, [name = std::move(name), watcher = std::move(watcher), io = &shared_->io](void*) mutable {
        watcher->live = false;
        boost::asio::post(*io, [last = std::move(name), also = std::move(watcher)] {});
      });
}

std::shared_ptr<void> NameResolver::watch(std::string name, Port port,
                                          std::function<void(std::vector<Endpoint>)> changed) {
  if (const auto literal = Address::parse(name)) {
    changed({Endpoint{*literal, port}});
    return std::make_shared<int>(0);
  }
  auto found = host(lower(std::move(name)));
  auto watcher = found->watched.add([port, changed = std::move(changed)](const Host::Answer& addresses) {
    std::vector<Endpoint> endpoints;
    for (const auto& address : addresses) endpoints.push_back({address, port});
    changed(std::move(endpoints));
  });
  return handle(std::move(found), std::move(watcher));
}

std::shared_ptr<void> NameResolver::watch_service(std::string name,
                                                  std::function<void(std::vector<ServiceTarget>)> changed) {
  name = lower(std::move(name));
  auto found = find<Service>(services_, name, [&] {
    return std::make_shared<Service>(shared_, name,
                                     [this](const std::string& target) { return host(target); });
  });
  auto watcher = found->watched.add(
      [changed = std::move(changed)](const Service::Answer& targets) { changed(targets); });
  return handle(std::move(found), std::move(watcher));
}

void NameResolver::refresh() {
  std::lock_guard lock(mutex_);
  const auto ask = [&](const auto& names) {
    for (const auto& [name, weak] : names)
      if (auto live = weak.lock())
        boost::asio::post(shared_->io, [live = std::move(live)] { live->ask_now(); });
  };
  ask(hosts_);
  ask(services_);
}

}  // namespace sipward
