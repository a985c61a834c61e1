// forge: sends UDP datagrams with a source address and port that belong to somebody else, for tests inside a
// namespace. Bounded by a count and by a time. Refuses targets outside the documentation networks.
// usage: forge SOURCE[+CROWD] PORT TARGET PORT COUNT SECONDS PER_SECOND KIND[,KIND...]
// With a CROWD, 198.18.0.0 or 198.19.0.0, every second packet comes from one of the 65,536 addresses that
// begin like it, and from any port. kinds: null agent register invite unknown; each packet takes the next
// kind, with its own Call-ID, branch and tag. Prints: sent N in S s
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kBatch = 32, kLargest = 2048, kKinds = 16 };

static const char kSdp[] =
    "v=0\r\no=- 1 1 IN IP4 203.0.113.40\r\ns=-\r\nc=IN IP4 203.0.113.40\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t random_state;

static uint64_t next_random(void) {  // xorshift64
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static int compose(char* out, size_t room, const char* kind, const char* source, const char* port) {
  unsigned long long id = next_random(), tag = next_random(), branch = next_random();
  const char* method = "INVITE";
  const char* agent = "Trunk-Gateway 4.2";
  const char* body = kSdp;
  char user[16] = "9000";
  if (!strcmp(kind, "register")) {
    method = "REGISTER";
    body = "";
    snprintf(user, sizeof user, "%u", 500 + (unsigned)(id % 50));
  } else if (!strcmp(kind, "agent")) {
    method = "OPTIONS";
    agent = "friendly-scanner";
    body = "";
  } else if (!strcmp(kind, "unknown")) {
    snprintf(user, sizeof user, "%u", 100 + (unsigned)(id % 300));
  }
  int n =
      snprintf(out, room,
               "%s sip:%s@pbx.test SIP/2.0\r\nVia: SIP/2.0/UDP %s:%s;branch=z9hG4bK%016llx;rport\r\n"
               "Max-Forwards: 70\r\nFrom: <sip:trunk@pbx.test>;tag=%llx\r\nTo: <sip:%s@pbx.test>\r\n"
               "Call-ID: forged-%016llx@%s\r\nCSeq: 1 %s\r\nContact: <sip:trunk@%s:%s>\r\nUser-Agent: %s\r\n"
               "%sContent-Length: %zu\r\n\r\n%s",
               method, user, source, port, branch, tag, user, id, source, method, source, port, agent,
               *body ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
  if (n < 0 || (size_t)n >= room) return -1;
  if (!strcmp(kind, "null")) *(char*)memmem(out, (size_t)n, "Max-Forwards", 12) = 0;
  return n;
}

static uint16_t ip_checksum(const void* data, size_t size) {
  const uint8_t* bytes = data;
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

// RFC 2544 keeps 198.18.0.0/15 for measurements.
static int is_crowd(struct in_addr a) {
  return (ntohl(a.s_addr) & 0xfffeffffu) == 0xc6120000u;
}

static int is_documentation(struct in_addr a) {
  uint32_t net = ntohl(a.s_addr) >> 8;
  return net == 0xc00002 || net == 0xc63364 || net == 0xcb0071;  // RFC 5737
}

int main(int argc, char** argv) {
  if (argc != 9) {
    fputs("usage: forge SOURCE PORT TARGET PORT COUNT SECONDS PER_SECOND KIND[,KIND...]\n", stderr);
    return 2;
  }
  struct sockaddr_in source = {.sin_family = AF_INET}, target = {.sin_family = AF_INET};
  struct in_addr crowd = {0};
  char* plus = strchr(argv[1], '+');
  if (plus) *plus = 0;
  if (plus && (inet_pton(AF_INET, plus + 1, &crowd) != 1 || !is_crowd(crowd))) {
    fputs("forge: a crowd is 198.18.0.0 or 198.19.0.0\n", stderr);
    return 2;
  }
  if (inet_pton(AF_INET, argv[1], &source.sin_addr) != 1 ||
      inet_pton(AF_INET, argv[3], &target.sin_addr) != 1 || !is_documentation(source.sin_addr) ||
      !is_documentation(target.sin_addr)) {
    fputs("forge: both addresses must be documentation addresses (RFC 5737)\n", stderr);
    return 2;
  }
  const long count = atol(argv[5]);
  const double seconds = atof(argv[6]), per_second = atof(argv[7]);
  char* kinds[kKinds];
  int kind_count = 0;
  for (char* k = strtok(argv[8], ","); k && kind_count < kKinds; k = strtok(NULL, ","))
    kinds[kind_count++] = k;
  if (count <= 0 || count > 1000000 || seconds <= 0 || seconds > 120 || per_second <= 0 || kind_count == 0) {
    fputs("forge: count 1..1000000, seconds up to 120, a rate and a kind are needed\n", stderr);
    return 2;
  }
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (fd < 0) {
    perror("forge: raw socket");
    return 1;
  }
  int buffer = 8 << 20;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  random_state = (uint64_t)getpid() * 0x9e3779b97f4a7c15u ^ (uint64_t)(now() * 1e9);

  static char data[kBatch][kLargest];
  struct mmsghdr messages[kBatch];
  struct iovec pieces[kBatch];
  const double start = now();
  long sent = 0;
  while (sent < count) {
    const double elapsed = now() - start;
    if (elapsed > seconds) break;
    if ((double)sent > elapsed * per_second) {  // ahead of the rate: give the core away
      struct timespec rest = {.tv_nsec = 500000};
      nanosleep(&rest, NULL);
      continue;
    }
    int batch = 0;
    for (; batch < kBatch && sent + batch < count; batch++) {
      struct iphdr* ip = (struct iphdr*)data[batch];
      struct udphdr* udp = (struct udphdr*)(ip + 1);
      struct in_addr from = source.sin_addr;
      char from_text[INET_ADDRSTRLEN], port_text[8];
      unsigned port = (unsigned)atoi(argv[2]);
      if (plus && (sent + batch) % 2 == 1) {
        uint64_t any = next_random();
        from.s_addr = htonl(ntohl(crowd.s_addr) | (uint32_t)(any & 0xffff));
        port = 1024 + (unsigned)(any >> 16) % 64000;
      }
      inet_ntop(AF_INET, &from, from_text, sizeof from_text);
      snprintf(port_text, sizeof port_text, "%u", port);
      int n = compose((char*)(udp + 1), kLargest - sizeof *ip - sizeof *udp,
                      kinds[(sent + batch) / 2 % kind_count], from_text, port_text);
      if (n < 0) return 1;
      const size_t total = sizeof *ip + sizeof *udp + (size_t)n;
      *ip = (struct iphdr){.version = 4,
                           .ihl = 5,
                           .ttl = 64,
                           .protocol = IPPROTO_UDP,
                           .tot_len = htons((uint16_t)total),
                           .saddr = from.s_addr,
                           .daddr = target.sin_addr.s_addr};
      ip->check = ip_checksum(ip, sizeof *ip);
      udp->source = htons((uint16_t)port);
      udp->dest = htons((uint16_t)atoi(argv[4]));
      udp->len = htons((uint16_t)(sizeof *udp + (size_t)n));
      udp->check = 0;  // none: allowed on IPv4 (RFC 768)
      pieces[batch] = (struct iovec){data[batch], total};
      messages[batch] = (struct mmsghdr){
          .msg_hdr = {
              .msg_name = &target, .msg_namelen = sizeof target, .msg_iov = &pieces[batch], .msg_iovlen = 1}};
    }
    int done = sendmmsg(fd, messages, (unsigned)batch, 0);
    if (done < 0 && errno != ENOBUFS && errno != EAGAIN) {
      perror("forge: sendmmsg");
      return 1;
    }
    if (done > 0) sent += done;
  }
  printf("sent %ld in %.2f s\n", sent, now() - start);
  return 0;
}
