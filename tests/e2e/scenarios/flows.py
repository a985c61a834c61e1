"""Offices, forgers and guessers against a real PBX: who is banned, how narrowly, and who must not notice anything.

F23, the attack tools, is shown by `scanner`, and F24 with 300 phones by `power_cut`.
"""

import re

from harness import netns, peers, sip
from harness.case import LabCase
from harness.guard import SIPFILE, Sipward, build_tool
from harness.process import Process, wait_until

TARGET = (netns.GUARD_OUTSIDE, 5060)
OFFICE = [str(user) for user in range(1000, 1100)]
WRONG = "1042"
# Nothing here may depend on how fast this machine is.
UNHURRIED = re.sub(r"rate_limit \{.*?\}", "rate_limit { strangers 1000000/s }", SIPFILE, flags=re.S)
GUESSES = 40


class Flows(LabCase):
    limit = 100

    def guarded(self, *defines):
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory, defines))
        self.guard = self.started(Sipward(self.lab, self.directory, UNHURRIED))

    def client(self, transport, address, role="attacker", port=0):
        with self.lab.inside(role):
            return self.enterContext(sip.Client(transport, address, TARGET, port=port))

    def scopes(self):
        return {(ban["ip"], ban["scope"], ban.get("user")) for ban in self.guard.api("bans")["bans"]}

    def reboot(self, name, users):
        """All at the same time, each from a port of its own."""
        rows = [(user, peers.credentials(user, "old" if user == WRONG else None)) for user in users]
        return self.started(peers.Sipp(self.lab, "phones", self.directory, name, "storm.xml", address=netns.PHONES,
                                       transport="un", calls=len(rows), rate=len(rows), rows=rows))

    def test_f24_an_office_reboots_and_one_of_its_phones_has_an_old_password(self):
        self.guarded("OFFICE")
        self.reboot("first", OFFICE).wait(60)
        self.assertEqual(self.pbx.registered_users(), set(OFFICE) - {WRONG})
        bad = self.client("udp", netns.PHONES, "phones")
        tried = 0
        while bad.register(WRONG, "old", 1.0) is not None:
            tried += 1
            self.assertLess(tried, GUESSES, "the phone with the old password goes on for ever")
        self.assertEqual(self.scopes(), {(netns.PHONES, "identity", WRONG)})
        good = [user for user in OFFICE if user != WRONG]
        self.assertEqual(self.reboot("again", good).finish(60), len(good))
        self.assertEqual(self.scopes(), {(netns.PHONES, "identity", WRONG)})
        self.guard.assert_sound()

    def forge(self, name, kinds, count):
        flood = self.started(Process(name, self.lab.argv("attacker", [
            build_tool("forge"), netns.PHONES, "5060", netns.GUARD_OUTSIDE, "5060", str(count), "60", "1000", kinds]),
            self.directory / f"{name}.log"))
        self.assertEqual(flood.wait(80), 0, flood.text())
        self.assertIn(f"sent {count} ", flood.text())

    def test_f25_forged_packets_in_the_name_of_a_registered_phone_do_not_harm_it(self):
        self.guarded()
        self.started(peers.Sipp(self.lab, "phones", self.directory, "phone", "register.xml", address=netns.PHONES,
                                transport="u1", port=5060, calls=1, answer=True,
                                rows=[("500", peers.credentials("500"))]))
        wait_until(lambda: self.pbx.registered() == 1, "the phone to register")
        before = self.guard.stats()["total_requests"]
        self.forge("null-and-agent", "null,agent", 200)
        self.forge("registers", "register", 1000)
        wait_until(lambda: self.guard.stats()["total_requests"] >= before + 1100, "what was forged to be read")
        calls = self.started(peers.Sipp(
            self.lab, "pbx", self.directory, "in", "call.xml", address=netns.PBX, port=5071,
            target=(netns.PBX, peers.PORT), calls=5, rate=5, rows=[(peers.DESK, "-", "500")]))
        self.assertEqual(calls.finish(40), 5)
        self.assertEqual(self.client("udp", netns.PHONES, "phones").register("501", peers.password("501")), 200)
        self.assertEqual(self.guard.bans(), {})
        self.assertIsNone(self.guard.held(netns.PHONES))
        self.guard.assert_sound()

    def good_account_and_guesses(self, transport, source):
        """How many guesses were answered while the same client keeps a valid registration."""
        client = self.client(transport, source)
        for guesses in range(GUESSES):
            if client.register("505", peers.password("505"), 1.0) != 200:
                return guesses
            if client.register(peers.USERS[guesses], "guess", 1.0) is None:
                return guesses
        return GUESSES

    def test_f26_a_valid_account_between_the_guesses_does_not_keep_the_ban_away(self):
        self.guarded()
        for transport, source in (("udp", netns.ATTACKERS[0]), ("tcp", netns.ATTACKERS[1])):
            with self.subTest(transport):
                self.assertLessEqual(self.good_account_and_guesses(transport, source), 5)
                self.assertIn((source, "address", None), self.scopes())
        self.guard.assert_sound()

    def wrong_passwords(self, reason, answer):
        for number, transport in enumerate(("udp", "tcp")):
            source = netns.ATTACKERS[number]
            with self.subTest(transport):
                client = self.client(transport, source)
                answers = [client.register("505", "oops", 1.0) for _ in range(6)]
                self.assertEqual(answers[:4], [answer] * 4)
                self.assertIsNone(answers[5])
                self.assertEqual(self.guard.bans().get(source), reason)
                self.assertEqual(self.guard.held(source)["evidence"], "proven")

    def test_f27_a_wrong_password_that_the_pbx_answers_with_401(self):
        self.guarded()
        self.wrong_passwords("wrong_password", 401)

    def test_f27_a_wrong_password_that_the_pbx_answers_with_403(self):
        self.guarded("WRONG_IS_403")
        self.wrong_passwords("forbidden", 403)
        # Whoever is registered there may be refused for other reasons.
        for number, transport in enumerate(("udp", "tcp"), 2):
            client = self.client(transport, netns.ATTACKERS[number])
            self.assertEqual(client.register("506", peers.password("506")), 200)
            for _ in range(8):
                self.assertEqual(client.register("506", "oops"), 403)
            self.assertIsNone(self.guard.held(netns.ATTACKERS[number]))

    def test_f27_a_wrong_password_that_the_pbx_answers_with_404(self):
        self.guarded("WRONG_IS_404")
        self.wrong_passwords("unknown_user", 404)
