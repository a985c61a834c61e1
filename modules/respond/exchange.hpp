#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "call_table.hpp"
#include "registrar.hpp"
#include "sipward/services.hpp"
#include "sipward/worker.hpp"

namespace sipward::respond {

// One worker's calls with the timer that drives them, and buffers to write answers in. Used on that worker
// only; also destroyed there.
class WorkerCalls : public std::enable_shared_from_this<WorkerCalls> {
 public:
  WorkerCalls(Worker& worker, const Clock& clock);

  CallTable table;
  std::string text;     // an answer
  std::string headers;  // its additional lines
  std::string sdp;
  std::vector<Registrar::Binding> bindings;
  std::vector<Registrar::Contact> contacts;

  // Runs what is due, and sees to it that the rest will be. Call it after every change to the table.
  void run(Time now);
  void refuse(Call& call, Time now);
  // Sends an answer through the handlers in front of the stand-in, as an upstream's would go.
  void deliver(const Peer& to, std::string_view octets);

 private:
  void arm();

  Worker& worker_;
  const Clock& clock_;
  boost::asio::steady_timer timer_;
  Time armed_ = Time::max();
};

// The stand-in's memory, service "respond/1": registrations and calls outlive a reload, and every `respond`
// of a Sipfile shares them.
class Exchange final : public Service {
 public:
  Exchange(Workers& workers, const Clock& clock);
  ~Exchange() override;  // control thread; each worker lets go of its calls in its own time

  Registrar& registrar() { return registrar_; }  // from any thread
  WorkerCalls& calls(Worker& worker);            // on that worker

 private:
  Workers& workers_;
  const Clock& clock_;
  Registrar registrar_;
  std::vector<std::shared_ptr<WorkerCalls>> calls_;  // each slot belongs to its worker
};

}  // namespace sipward::respond
