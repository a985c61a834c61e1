#pragma once

#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "modules/module_host.hpp"
#include "routing/route_tree.hpp"
#include "runtime/deployment.hpp"
#include "sipward/config.hpp"
#include "sipward/http.hpp"

namespace sipward {

// A configuration as a client of the management API sent it.
struct ConfigText {
  enum class Form : std::uint8_t { sipfile, json };
  Form form = Form::json;
  std::string text;
};

// What the management API asks of the process.
class ManagedServer {
 public:
  virtual ~ManagedServer() = default;

  // Any thread.
  virtual std::shared_ptr<const Running> running() const = 0;
  virtual const ModuleHost& modules() const = 0;
  virtual std::filesystem::path sipfile() const = 0;        // what `run` was given
  virtual void on_control(std::function<void()> task) = 0;  // runs it on the control thread, soon

  // Control thread. What came by the API may use neither files nor modules_path.
  virtual LoadResult load(const ConfigText& text, bool force) = 0;
  virtual LoadResult reread(bool force) = 0;  // the Sipfile that `run` was given, as SIGHUP does
  // Reads and judges it, and gives its canonical JSON when it is good. Nothing is touched.
  virtual LoadResult adapt(const ConfigText& text, boost::json::object& config) = 0;
  virtual void stop() = 0;
};

// The API on global `admin`, as docs/management-api.md tells it. One site of a tree. Its calls run on the
// admin thread; what changes something waits for the control thread, and is not begun any more when that
// comes too late.
class Management final : public HttpHandler {
 public:
  static constexpr std::size_t kMaxConfig = std::size_t{1} << 20;  // octets of a body
  static constexpr auto kPatience = std::chrono::seconds(30);

  Management(ManagedServer& server, const config::ListenAddress& listen);

  void provision(BuildContext& context) override { use(context.clock, context.endpoints); }
  void use(const Clock& clock, const HttpEndpoints& endpoints) { clock_ = &clock, endpoints_ = &endpoints; }
  Outcome handle(HttpRequest& request, HttpResponse& response) const override;

 private:
  HttpResponse answer(const HttpRequest& request) const;
  HttpResponse config(const HttpRequest& request, std::vector<std::string> path) const;
  HttpResponse load(const HttpRequest& request) const;
  HttpResponse adapt(const HttpRequest& request) const;
  HttpResponse contributed(const HttpRequest& request, const std::vector<std::string>& path) const;
  std::string_view refusal(const HttpRequest& request) const;
  HttpResponse on_control(std::function<HttpResponse()> task) const;

  ManagedServer& server_;  // outlives every tree
  bool everybody_;         // `admin` names an address that is reached from outside
  const Clock* clock_ = nullptr;
  const HttpEndpoints* endpoints_ = nullptr;  // of the same configuration
};

// Adds the API's site to a tree, unless the Sipfile says `admin off`. When no module serves HTTP it is left
// out, with a warning. True when it was added without the Sipfile asking for it.
bool add_management_site(RouteTree& tree, const config::Sipfile& sipfile, ManagedServer& server, Logger& log);

}  // namespace sipward
