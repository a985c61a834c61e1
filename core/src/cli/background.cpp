#include "cli/background.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "udp/sockets.hpp"

namespace sipward::cli {
namespace {

// A socket for readiness reports, with a name that the kernel chose; as NOTIFY_SOCKET has it in `name`.
FileDescriptor listen_for_reports(std::string& name) {
  FileDescriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof(sa_family_t);
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return FileDescriptor();
  size = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return FileDescriptor();
  name = '@' + std::string(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
  return fd;
}

[[noreturn]] void become(const std::vector<std::string>& words, const std::string& reports, int output) {
  ::setsid();
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::setenv("NOTIFY_SOCKET", reports.c_str(), 1);
  ::unsetenv("WATCHDOG_USEC");
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  std::_Exit(127);
}

void pass_on(const char* octets, ssize_t count) {
  if (count > 0 && ::write(STDERR_FILENO, octets, static_cast<std::size_t>(count)) < 0) return;
}

}  // namespace

pid_t start_in_background(const std::vector<std::string>& words) {
  std::string name;
  const auto reports = listen_for_reports(name);
  std::array<int, 2> ends{};
  if (!reports || ::pipe2(ends.data(), O_CLOEXEC) != 0) return 0;
  const FileDescriptor output(ends[0]);
  FileDescriptor input(ends[1]);
  const auto child = ::fork();
  if (child < 0) return 0;
  if (child == 0) become(words, name, input.get());
  input = FileDescriptor();
  std::array<char, 4096> buffer;
  for (;;) {
    std::array<pollfd, 2> wait{{{reports.get(), POLLIN, 0}, {output.get(), POLLIN, 0}}};
    if (::poll(wait.data(), wait.size(), -1) < 0) continue;
    if (wait[1].revents != 0) {
      const auto n = ::read(output.get(), buffer.data(), buffer.size());
      pass_on(buffer.data(), n);
      if (n <= 0) break;  // it has ended
    }
    if (wait[0].revents == 0) continue;
    const auto n = ::recv(reports.get(), buffer.data(), buffer.size(), 0);
    if (n > 0 && std::string_view(buffer.data(), static_cast<std::size_t>(n)).starts_with("READY=1\n"))
      return child;
  }
  ::waitpid(child, nullptr, 0);
  return 0;
}

}  // namespace sipward::cli
