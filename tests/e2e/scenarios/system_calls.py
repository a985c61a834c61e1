"""What the UDP path asks of the kernel: receiving and sending in batches, and nothing for each packet."""

import contextlib
import re
import shutil
import signal
import socket
import unittest

from harness import netns, sip
from harness.case import LabCase
from harness.guard import SIPFILE, Sipward
from harness.process import Process

ROUNDS = 5
EACH = 25                  # requests of one client in a round
ALLOWED = {"recvmmsg", "sendmmsg", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl"}
PER_PACKET = 0.15          # a batch is up to 128 packets: 4 times 32 received, then one call for each socket to send
OTHERS = 40                # timers and what signals interrupt, in the whole run


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class SystemCalls(LabCase):
    """Packets wait in the sockets while the guard stands still, so that batches are full and counts are exact."""

    def setUp(self):
        super().setUp()
        with self.lab.inside("pbx"):
            self.pbx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.pbx.close)
        self.pbx.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)   # SO_RCVBUFFORCE: a whole round fits
        self.pbx.bind((netns.PBX, 5060))
        self.pbx.settimeout(10)
        roomy = SIPFILE.replace("options 20/s burst 50", "options 1000/s burst 1000\n            strangers 10000/s")
        self.guard = self.started(Sipward(self.lab, self.directory, roomy))
        with self.lab.inside("attacker"):
            self.clients = [sip.Client("udp", address, (netns.GUARD_OUTSIDE, 5060), 10)
                            for address in netns.ATTACKERS]
        for client in self.clients:
            self.enterContext(client)

    @contextlib.contextmanager
    def standing_still(self):
        self.guard.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.guard.signal(signal.SIGCONT)

    def ask(self, each):
        """Every client asks `each` times, the PBX answers all. Returns how many packets that were."""
        count = each * len(self.clients)
        with self.standing_still():
            for client in self.clients:
                for _ in range(each):
                    client.send(client.request("OPTIONS", "sip:pbx.test"))
        requests = [self.pbx.recvfrom(65536) for _ in range(count)]
        with self.standing_still():
            for data, source in requests:
                self.pbx.sendto(data.replace(data[:data.index(b"\r\n")], b"SIP/2.0 200 OK", 1), source)
        for client in self.clients:
            for _ in range(each):
                self.assertTrue(client.receive(10).startswith(b"SIP/2.0 200"))
        return 2 * count

    def test_a_full_batch_costs_its_receiving_and_its_sending(self):
        self.ask(2)
        strace = self.started(Process("strace", ["strace", "-c", "-f", "-p", str(self.guard.pid)],
                                      self.directory / "strace.log"))
        strace.wait_for_text("attached")
        packets = sum(self.ask(EACH) for _ in range(ROUNDS))
        strace.signal(signal.SIGINT)
        strace.wait(10)
        calls = {name: int(count) for count, name in re.findall(
            r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", strace.text(), re.M) if name != "total"}
        self.assertIn("recvmmsg", calls, strace.text())
        with self.subTest("calls for each packet", packets=packets, **calls):
            self.assertLess(sum(calls.get(name, 0) for name in ALLOWED) / packets, PER_PACKET)
        with self.subTest("nothing else", **calls):
            self.assertLess(sum(count for name, count in calls.items() if name not in ALLOWED), OTHERS)
        self.guard.assert_sound()
