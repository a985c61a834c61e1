"""Somebody sends packets with the trunk's address and port: the trunk must not suffer for it."""

import re

from harness import netns, peers
from harness.case import LabCase
from harness.guard import Sipward, build_tool
from harness.process import Process, wait_until

PACKETS = 200_000
AT_LEAST_PER_SECOND = 10_000
KINDS = "null,agent,register,invite,unknown"
MEMORY_MAY_GROW_KIB = 16 * 1024


class ForgedTrunk(LabCase):
    """The trunk is neither whitelisted nor an upstream; it has only its own good behaviour to speak for it."""

    limit = 180

    def setUp(self):
        super().setUp()
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory))
        self.guard = self.started(Sipward(self.lab, self.directory))

    def trunk(self, calls, rate):
        return self.started(peers.Sipp(
            self.lab, "trunk", self.directory, "trunk", "call.xml", address=netns.TRUNK, port=5060, calls=calls,
            rate=rate, rows=[("trunk", "-", called) for called in (peers.DESK, "500", peers.DESK, "501")]))

    def test_every_trunk_call_succeeds_under_200000_forged_packets(self):
        forge = build_tool("forge")
        self.started(peers.desk(self.lab, self.directory))
        self.started(peers.answering_phones(self.lab, "phones", self.directory, "phones", address=netns.PHONES,
                                            transport="un", users=["500", "501"]))
        wait_until(lambda: self.pbx.registered() == 2, "two phones to register")
        trunk = self.trunk(calls=120, rate=4)
        wait_until(lambda: trunk.counts()[0] >= 4, "the first trunk calls to succeed", 30)
        before = self.guard.resident_kib()
        flood = self.started(Process("forge", self.lab.argv("attacker", [
            forge, netns.TRUNK, "5060", netns.GUARD_OUTSIDE, "5060", str(PACKETS), "60", "14000", KINDS]),
            self.directory / "forge.log"))
        self.assertEqual(flood.wait(70), 0, flood.text())
        sent, seconds = re.search(r"sent (\d+) in ([\d.]+) s", flood.text()).groups()
        with self.subTest("the flood was what it should be", sent=sent, seconds=seconds):
            self.assertEqual(int(sent), PACKETS)
            self.assertGreaterEqual(int(sent) / float(seconds), AT_LEAST_PER_SECOND)
            self.assertTrue(trunk.running(), "the calls had ended before the flood did")
        grown = self.guard.resident_kib() - before
        with self.subTest("all trunk calls"):
            self.assertEqual(trunk.finish(90), 120)
        with self.subTest("memory is flat", grown_kib=grown):
            self.assertLess(grown, MEMORY_MAY_GROW_KIB)
        with self.subTest("nobody is banned for it"):
            self.assertEqual(self.guard.bans(), {})
        self.guard.assert_sound()
