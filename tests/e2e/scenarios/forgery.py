"""Somebody sends packets with the trunk's address and port: the trunk must not suffer for it."""

import re

from harness import netns, peers
from harness.case import LabCase
from harness.guard import Sipward, build_tool
from harness.process import Process, wait_until

PACKETS = 1_000_000   # half with the trunk's address and port, half from 65,536 others
PER_SECOND = 20_000
AT_LEAST_PER_SECOND = 10_000
WARM_AFTER = 250_000   # by then every table that forged packets can fill is in use
KINDS = "null,agent,register,invite,unknown"
# Tables take their memory page by page as entries fall into them, up to bounds that unit tests assert; the one of
# enumeration, 64 MiB at most, is still filling up with forged sources when the flood ends. Nothing else may grow.
MEMORY_MAY_GROW_KIB = 48 * 1024
CALLS = 240


class ForgedTrunk(LabCase):
    """The trunk is neither whitelisted nor an upstream; it has only its own good behaviour to speak for it."""

    limit = 240

    def setUp(self):
        super().setUp()
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory))
        self.guard = self.started(Sipward(self.lab, self.directory))

    def phones(self, name, transport, users):
        return self.started(peers.answering_phones(self.lab, "phones", self.directory, name, address=netns.PHONES,
                                                   transport=transport, users=users))

    def test_calls_and_new_phones_succeed_under_a_million_forged_packets(self):
        forge = build_tool("forge")
        self.started(peers.desk(self.lab, self.directory))
        self.phones("phones", "un", ["500", "501"])
        wait_until(lambda: self.pbx.registered() == 2, "two phones to register")
        trunk = self.started(peers.Sipp(
            self.lab, "trunk", self.directory, "trunk", "call.xml", address=netns.TRUNK, port=5060, calls=CALLS, rate=4,
            rows=[("trunk", "-", called) for called in (peers.DESK, "500", peers.DESK, "501")]))
        wait_until(lambda: trunk.counts()[0] >= 4, "the first trunk calls to succeed", 30)
        flood = self.started(Process("forge", self.lab.argv("attacker", [
            forge, f"{netns.TRUNK}+{netns.FORGED_CROWD.split('/')[0]}", "5060", netns.GUARD_OUTSIDE, "5060",
            str(PACKETS), "100", str(PER_SECOND), KINDS]), self.directory / "forge.log"))

        def read():
            return self.guard.metrics()['sipward_datagrams_total{kind="sip"}']
        wait_until(lambda: read() > WARM_AFTER or not flood.running(), "the flood to be under way", 60)
        warm = self.guard.resident_kib()
        self.phones("late-udp", "un", ["502", "503"])
        self.phones("late-tcp", "tn", ["504", "505"])
        wait_until(lambda: self.pbx.registered() == 6, "four more phones to register under the flood", 60)
        self.assertTrue(flood.running(), "the flood had ended before the phones were registered")
        self.assertEqual(flood.wait(110), 0, flood.text())
        sent, seconds = re.search(r"sent (\d+) in ([\d.]+) s", flood.text()).groups()
        with self.subTest("the flood was what it should be", sent=sent, seconds=seconds):
            self.assertEqual(int(sent), PACKETS)
            self.assertGreaterEqual(int(sent) / float(seconds), AT_LEAST_PER_SECOND)
            self.assertTrue(trunk.running(), "the calls had ended before the flood did")
        grown = self.guard.resident_kib() - warm
        with self.subTest("all trunk calls"):
            self.assertEqual(trunk.finish(90), CALLS)
        with self.subTest("memory is flat", grown_kib=grown):
            self.assertLess(grown, MEMORY_MAY_GROW_KIB)
        with self.subTest("nobody is banned for it"):
            self.assertEqual(self.guard.bans(), {})
        self.guard.assert_sound()
