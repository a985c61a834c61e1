// steady: well-behaved load on loopback that counts what comes back. UDP requests at a fixed rate from many
// source addresses, and TCP clients that each ask, wait for the whole answer, pause, and ask again. Runs
// until SIGTERM or the end of its time, then waits up to 5 s for answers that are on their way. usage: steady
// TARGET PORT PER_SECOND SOURCES CLIENTS PAUSE_MS SECONDS Sources are 127.1.0.1 and up, TCP clients 127.2.0.1
// and up. Prints one line when it begins, and at the end
//   udp sent N answered N twice N other N; tcp sent N answered N ended N
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kMaxSources = 250, kMaxClients = 128, kMaxRequests = 4000000, kRoom = 4096 };

struct client {
  int fd;
  size_t have;
  double ask_at;  // 0 while an answer is awaited
  char in[kRoom];
};

static volatile sig_atomic_t stop;
static int sources[kMaxSources];
static struct client clients[kMaxClients];
static uint8_t answered[kMaxRequests];
static unsigned long udp_sent, udp_answered, udp_twice, udp_other, tcp_sent, tcp_answered, tcp_ended;

static void on_signal(int number) {
  (void)number;
  stop = 1;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char* what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in at(uint32_t address, unsigned port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  name.sin_addr.s_addr = htonl(address);
  return name;
}

static int open_from(int type, uint32_t from, const struct sockaddr_in* to) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const int room = 4 << 20;
  struct sockaddr_in name = at(from, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  if (fd < 0 || bind(fd, (struct sockaddr*)&name, sizeof name) != 0) fail("bind");
  if (connect(fd, (const struct sockaddr*)to, sizeof *to) != 0) fail("connect");
  return fd;
}

static int compose(char* out, const char* transport, const char* host, unsigned long number) {
  return snprintf(out, kRoom,
                  "OPTIONS sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s%lu;rport\r\n"
                  "Max-Forwards: 70\r\nFrom: <sip:101@pbx.test>;tag=t%lu\r\nTo: <sip:100@pbx.test>\r\n"
                  "Call-ID: n%lu@%s\r\nCSeq: 1 OPTIONS\r\nContact: <sip:101@%s>\r\nUser-Agent: Desk phone\r\n"
                  "Content-Length: 0\r\n\r\n",
                  transport, host, transport, number, number, number, host, host);
}

static void send_datagram(unsigned source_count) {
  char text[kRoom], host[32];
  const unsigned source = (unsigned)(udp_sent % source_count);
  snprintf(host, sizeof host, "127.1.0.%u", source + 1);
  const int size = compose(text, "UDP", host, udp_sent);
  if (send(sources[source], text, (size_t)size, 0) == size) udp_sent++;
}

static void read_datagrams(int fd) {
  char text[kRoom];
  for (;;) {
    const ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    if (n <= 0) return;
    text[n] = 0;
    const char* id = strstr(text, "Call-ID: n");
    const unsigned long number = id ? strtoul(id + 10, NULL, 10) : kMaxRequests;
    if (strncmp(text, "SIP/2.0 200", 11) != 0 || number >= kMaxRequests) {
      if (udp_other++ < 3) printf("other answer: %.60s\n", text);
    } else if (answered[number]++) {
      udp_twice++;
    } else {
      udp_answered++;
    }
  }
}

static void ask(struct client* c, unsigned index) {
  char text[kRoom], host[32];
  snprintf(host, sizeof host, "127.2.0.%u", index + 1);
  const int size = compose(text, "TCP", host, tcp_sent);
  tcp_sent++;
  c->ask_at = 0;
  if (send(c->fd, text, (size_t)size, MSG_NOSIGNAL) != size)
    printf("client %u: %s\n", index, strerror(errno));
}

static void read_stream(struct client* c, unsigned index, double pause) {
  const ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - 1 - c->have, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    printf("client %u: %s\n", index, n == 0 ? "the server closed it" : strerror(errno));
    tcp_ended++;
    close(c->fd);
    c->fd = -1;
    return;
  }
  c->have += (size_t)n;
  c->in[c->have] = 0;
  if (!strstr(c->in, "\r\n\r\n")) return;  // answers to OPTIONS have no body here
  c->have = 0;
  tcp_answered++;
  c->ask_at = now() + pause;
}

int main(int argc, char** argv) {
  if (argc != 8) return fprintf(stderr, "usage: see the top of steady.c\n"), 2;
  struct in_addr target;
  if (inet_pton(AF_INET, argv[1], &target) != 1 || (ntohl(target.s_addr) >> 24) != 127)
    return fprintf(stderr, "the target must be a loopback address\n"), 2;
  const struct sockaddr_in to = at(ntohl(target.s_addr), (unsigned)atoi(argv[2]));
  const double rate = atof(argv[3]), pause = atof(argv[6]) / 1000;
  const unsigned source_count = (unsigned)atoi(argv[4]), client_count = (unsigned)atoi(argv[5]);
  if (source_count == 0 || source_count > kMaxSources || client_count > kMaxClients || rate > 20000) return 2;
  signal(SIGTERM, on_signal);
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  for (unsigned i = 0; i < source_count; ++i) {
    sources[i] = open_from(SOCK_DGRAM, 0x7F010001 + i, &to);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(poll, EPOLL_CTL_ADD, sources[i], &e);
  }
  const double begin = now(), end = begin + atof(argv[7]);
  for (unsigned i = 0; i < client_count; ++i) {
    clients[i].fd = open_from(SOCK_STREAM, 0x7F020001 + i, &to);
    clients[i].ask_at = begin + pause * i / client_count;
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = kMaxSources + i};
    epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &e);
  }
  printf("running\n");
  fflush(stdout);
  double last = begin, owed = 0, quiet_at = 0;
  for (;;) {
    const double time = now();
    const int ending = stop || time > end;
    if (ending && quiet_at == 0) quiet_at = time + 5;
    owed += ending ? 0 : (time - last) * rate;
    if (owed > rate / 50)
      owed = rate / 50;  // after a pause of this process: no burst that a queue can't take
    last = time;
    for (; !ending && owed >= 1 && udp_sent < kMaxRequests; owed -= 1) send_datagram(source_count);
    unsigned long waiting = 0;
    for (unsigned i = 0; i < client_count; ++i) {
      if (clients[i].fd < 0) continue;
      if (!ending && clients[i].ask_at != 0 && clients[i].ask_at <= time) ask(&clients[i], i);
      waiting += clients[i].ask_at == 0;
    }
    if (ending && ((udp_answered == udp_sent && waiting == 0) || time > quiet_at)) break;
    struct epoll_event ready[64];
    const int n = epoll_wait(poll, ready, 64, 1);
    for (int i = 0; i < n; ++i) {
      const unsigned who = ready[i].data.u32;
      if (who < kMaxSources) {
        read_datagrams(sources[who]);
      } else {
        read_stream(&clients[who - kMaxSources], who - kMaxSources, pause);
      }
    }
  }
  printf("udp sent %lu answered %lu twice %lu other %lu; tcp sent %lu answered %lu ended %lu\n", udp_sent,
         udp_answered, udp_twice, udp_other, tcp_sent, tcp_answered, tcp_ended);
  return 0;
}
