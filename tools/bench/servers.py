"""The processes that tools/bench/run measures, and what it asks of them before it believes their figures."""

import http.client
import os
import random
import signal
import socket
import subprocess
import time

READY_WITHIN = 20.0
STOP_WITHIN = 5.0

PROBE = ("OPTIONS sip:2100@127.0.0.1:{port} SIP/2.0\r\n"
         "Via: SIP/2.0/UDP {me};branch=z9hG4bKprobe{tag};rport\r\n"
         "Max-Forwards: 70\r\n"
         "From: <sip:3000@pbx.example.com>;tag=probe{tag}\r\n"
         "To: <sip:2100@pbx.example.com>\r\n"
         "Call-ID: probe-{tag}@127.2.0.1\r\n"
         "CSeq: 1 {cseq}\r\n"
         "Contact: <sip:3000@{me}>\r\n"
         "User-Agent: {agent}\r\n"
         "Content-Length: 0\r\n\r\n")
GOOD = {"agent": "Yealink SIP-T46U 108.86.0.20", "cseq": "OPTIONS"}
BAD = [GOOD | {"agent": "friendly-scanner"}, GOOD | {"cseq": "INVITE"}]


class Failure(Exception):
    """Nothing could be measured; the message says why."""


class Server:
    """A process that serves one port; its output goes to a file in the scratch folder."""

    def __init__(self, name, command, environment, port, scratch, folder):
        self.name, self.port = name, port
        self.log = scratch / f"{name}.log"
        try:
            with self.log.open("wb") as out:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                env=os.environ | environment, cwd=folder, start_new_session=True)
        except OSError as error:
            raise Failure(f"{name} does not start: {error}") from error

    def wait_ready(self):
        deadline = time.monotonic() + READY_WITHIN
        while "serving" not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.output()}")
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} does not say `serving` within {READY_WITHIN:.0f} s:\n{self.output()}")
            time.sleep(0.02)

    def output(self):
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self):
        """The whole session of the process, so that nothing a wrapper started stays behind."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(STOP_WITHIN)
                return
            except (subprocess.TimeoutExpired, ProcessLookupError):
                continue


def free_ports(count):
    """Below the range that the system hands out by itself: some stay unbound between two measurements, and
    a server's own upstream sockets must not take them meanwhile."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first_ephemeral = int(file.read().split()[0])
    ports = []
    for port in random.sample(range(10000, max(first_ephemeral, 11000)), 500):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("0.0.0.0", port))
                tcp.bind(("0.0.0.0", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise Failure("no free ports from 10000 up")


def dropped_by_kernel(port):
    """Datagrams that came to this UDP port and found its receive buffers full, ever since they were opened."""
    with open("/proc/net/udp", encoding="ascii") as file:
        sockets = [line.split() for line in list(file)[1:]]
    return sum(int(words[-1]) for words in sockets if int(words[1].split(":")[1], 16) == port)


def ban(server, port, network):
    """By the guardian's API of a site at that port."""
    call = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        call.request("POST", "/ban/" + network.replace("/", "%2F"))
        answer = call.getresponse()
        if answer.status != 201:
            raise Failure(f"{server.name} does not ban {network}: {answer.status} {answer.read().decode()}")
    except OSError as error:
        raise Failure(f"{server.name} has no site at {port}: {error}") from error
    finally:
        call.close()


def lets_through(server, uas_port, probes):
    """Which of the probes, sent from an address of its own each, arrive at the PBX."""
    arrived = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as uas:
        uas.bind(("127.0.0.1", uas_port))
        uas.settimeout(0.5)
        for number, probe in enumerate(probes):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
                phone.bind((f"127.2.0.{number + 1}", 0))
                me = "%s:%d" % phone.getsockname()
                text = PROBE.format(port=server.port, me=me, tag=number, **probe)
                phone.sendto(text.encode(), ("127.0.0.1", server.port))
        try:
            while len(arrived) < len(probes):
                data = uas.recv(4096).decode(errors="replace")
                arrived |= {n for n in range(len(probes)) if f"Call-ID: probe-{n}@" in data}
        except TimeoutError:
            pass
    return arrived


def guards(server, uas_port):
    """Whether a scanner and a malformed message are kept from the PBX while a phone is not."""
    arrived = lets_through(server, uas_port, [GOOD, *BAD])
    if 0 not in arrived:
        raise Failure(f"{server.name} lets no plain OPTIONS through:\n{server.output()}")
    return arrived == {0}
