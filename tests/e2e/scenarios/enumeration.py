"""Guessing of users, told by what the PBX answers: no count of failures and no form of a tool helps to find it here."""

import random

from harness import capture, netns, peers, sip
from harness.case import LabCase
from harness.guard import SIPFILE, Sipward
from harness.process import wait_until

ENUMERATION_ALONE = SIPFILE.replace("max_failures 5", "max_failures 1000000")
UNKNOWN = [str(user) for user in range(600, 900, 3)]   # none of them next to another
MOST_THAT_MAY_REACH = 20


class Enumeration(LabCase):
    def setUp(self):
        super().setUp()
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory))
        self.guard = self.started(Sipward(self.lab, self.directory, ENUMERATION_ALONE))

    def detections(self, reason):
        return self.guard.metrics()[f'sip_guardian_enumeration_detections_total{{reason="{reason}"}}']

    def svwar(self, launcher, source):
        """A disguised scan of 100 to 999 by REGISTER. Returns how many requests the PBX saw, and the tool's output."""
        watch = capture.Capture(self.lab, "pbx", self.directory)
        self.addCleanup(watch.abandon)
        tool = self.started(peers.SipVicious(
            self.lab, "attacker", self.directory, "svwar", "svwar", ["--maximumtime", "2", netns.GUARD_OUTSIDE],
            source=source, launcher=[*launcher, "--dress", "--source", source]))
        output = tool.finish()
        return len(capture.requests(watch.stop(), netns.PBX, source.encode())), output

    def test_numbers_in_a_row_over_tcp_are_banned(self):
        source = netns.ATTACKERS[0]
        reached, output = self.svwar(["--tcp"], source)
        self.assertLessEqual(reached, MOST_THAT_MAY_REACH)
        self.assertEqual(peers.listed_users(output), [])
        self.assertEqual(self.guard.bans(), {source: "sequential_pattern"})
        held = self.guard.held(source)
        self.assertEqual((held["evidence"], held["proof"]), ("proven", "handshake"))
        self.assertEqual(self.detections("sequential_pattern"), 1)
        self.guard.assert_sound()

    def test_numbers_in_a_row_over_udp_are_soft_blocked_and_never_banned(self):
        source = netns.ATTACKERS[1]
        reached, output = self.svwar([], source)
        self.assertLessEqual(reached, MOST_THAT_MAY_REACH)
        self.assertEqual(peers.listed_users(output), [])
        self.assertTrue(self.guard.held(source)["soft_block"])
        self.assertEqual(self.guard.bans(), {})
        stats = self.guard.api("enumeration/stats")
        self.assertEqual(stats["detections"]["sequential_pattern"], 1)
        self.assertEqual([(o["ip"], o["evidence"]) for o in stats["top"]], [(source, "unproven")])
        self.guard.assert_sound()

    def ask(self, transport, source, users):
        """Asks for one user after the other with a new agent each; how many the PBX answered."""
        with self.lab.inside("attacker"):
            client = sip.Client(transport, source, (netns.GUARD_OUTSIDE, 5060))
        answered = 0
        with client:
            for user in users:
                agent = f"User-Agent: {random.randrange(10 ** 9)}/{random.randrange(100)}"
                request = client.request("OPTIONS", f"sip:{user}@{netns.GUARD_OUTSIDE}", headers=[agent])
                if client.ask(request, 1.0) != 404:
                    break
                answered += 1
        return answered

    def test_users_in_no_order_by_nobodys_agent_are_rapid_fire(self):
        random.shuffle(UNKNOWN)
        self.assertEqual(self.ask("tcp", netns.ATTACKERS[2], UNKNOWN), 10)
        self.assertEqual(self.guard.bans(), {netns.ATTACKERS[2]: "rapid_fire"})
        self.assertEqual(self.ask("udp", netns.ATTACKERS[3], UNKNOWN), 10)
        self.assertTrue(self.guard.held(netns.ATTACKERS[3])["soft_block"])
        self.assertEqual(self.detections("rapid_fire"), 2)
        self.assertEqual(self.guard.metrics()["sip_guardian_enumeration_tracked_ips"], 2)
        self.guard.assert_sound()

    def test_challenges_that_are_left_open_are_found_when_nothing_more_comes(self):
        source = netns.ATTACKERS[4]
        with self.lab.inside("attacker"):
            client = sip.Client("tcp", source, (netns.GUARD_OUTSIDE, 5060))
        with client:
            for user in peers.USERS[:5]:
                self.assertEqual(client.ask(client.request("REGISTER", "sip:pbx.test", user=user)), 401)
            self.assertEqual(self.guard.bans(), {})
            wait_until(lambda: self.guard.bans() == {source: "sequential_pattern"}, "the guesses to be found", 15)
        self.guard.assert_sound()

    def test_an_office_whose_phones_are_numbered_in_a_row_registers_and_misdials(self):
        for role, address, transport, users in (("phones", netns.PHONES, "un", peers.USERS[:25]),
                                                ("phones2", netns.PHONES2, "tn", peers.USERS[25:])):
            self.started(peers.answering_phones(self.lab, role, self.directory, f"office-{role}", address=address,
                                                transport=transport, users=users, rate=20))
        wait_until(lambda: self.pbx.registered() == len(peers.USERS), "50 phones to register", 40)
        misdials = self.started(peers.Sipp(
            self.lab, "phones", self.directory, "misdials", "misdial.xml", address=netns.PHONES, transport="u1",
            calls=15, rate=10, rows=[(peers.USERS[0], "-", str(700 + i)) for i in range(15)]))
        self.assertEqual(misdials.finish(30), 15)
        self.assertEqual(self.guard.bans(), {})
        for address in (netns.PHONES, netns.PHONES2):
            self.assertIsNone(self.guard.held(address))
        self.assertEqual(self.guard.api("enumeration/stats")["total"], 0)
        self.guard.assert_sound()
