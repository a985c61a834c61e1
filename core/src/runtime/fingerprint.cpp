#include "runtime/fingerprint.hpp"

namespace sipward {
namespace {

// Every text with its length, so that no two different ones look alike.
class Writer {
 public:
  void text(std::string_view value) {
    out_ += std::to_string(value.size());
    out_ += ':';
    out_ += value;
  }
  void count(std::size_t n) {
    out_ += std::to_string(n);
    out_ += ';';
  }
  void node(const config::Node& n) {
    text(n.name);
    count(n.args.size());
    for (const auto& arg : n.args) {
      text(arg.text);
      out_ += arg.quoted ? 'q' : 'w';  // a quoted word may mean something else
    }
    out_ += n.has_block ? '{' : '-';
    nodes(n.children);
  }
  void nodes(const std::vector<config::Node>& all) {
    count(all.size());
    for (const auto& n : all) node(n);
  }
  void listeners(const std::vector<config::Listener>& all) {
    count(all.size());
    for (const auto& listener : all) text(listener.address.to_string());
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void write(Writer& out, const config::ServerNode& server) {
  out.listeners(server.listen);
  out.count(static_cast<std::size_t>(server.matching_timeout.count()));
  out.count(static_cast<std::size_t>(server.idle_timeout.count()));
  out.count(server.matchers.size());
  for (const auto& set : server.matchers) {
    out.text(set.name);
    out.nodes(set.matchers);
  }
  out.count(server.routes.size());
  for (const auto& route : server.routes) {
    out.count(route.match.size());
    for (const auto& name : route.match) out.text(name);
    out.nodes(route.handlers);
  }
}

}  // namespace

std::string fingerprint(const config::Sipfile& sipfile) {
  Writer out;
  out.node(sipfile.global);
  out.count(sipfile.servers.size());
  for (const auto& server : sipfile.servers) write(out, server);
  out.count(sipfile.sites.size());
  for (const auto& site : sipfile.sites) {
    out.listeners(site.listen);
    out.nodes(site.children);
  }
  return out.take();
}

}  // namespace sipward
