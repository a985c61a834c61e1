"""F24: 300 phones behind one address come back at once, nine of them with a wrong password: nobody else suffers."""

import random
import time

from harness import netns, peers
from harness.case import LabCase
from harness.guard import Sipward

PHONES = [str(user) for user in range(1000, 1300)]
WRONG = set(random.Random(7).sample(PHONES, 9))   # 3 %
SERVED_WITHIN = 120


class PowerCut(LabCase):
    limit = 200

    def come_back(self, transport, phones, number):
        """Every phone tries once, all at the same time; one that fails tries again in the next round, as phones do."""
        rows = [(user, peers.credentials(user, "old-secret" if user in WRONG else None)) for user in phones]
        sipp = self.started(peers.Sipp(self.lab, "phones", self.directory, f"round-{number}", "storm.xml",
                                       address=netns.PHONES, transport=transport, calls=len(rows), rate=len(rows),
                                       rows=rows))
        sipp.wait(SERVED_WITHIN)

    def all_but_the_wrong_ones(self, transport):
        pbx = self.started(peers.Kamailio(self.lab, self.directory, ["OFFICE"]))
        guard = self.started(Sipward(self.lab, self.directory))
        expected = set(PHONES) - WRONG
        began = time.monotonic()
        number = 0
        while True:
            number += 1
            self.come_back(transport, [user for user in PHONES if user not in pbx.registered_users()], number)
            served = pbx.registered_users()
            if served == expected:
                break
            if time.monotonic() - began > SERVED_WITHIN:
                self.fail(f"{len(served)} of {len(expected)} phones have service after {SERVED_WITHIN} s "
                          f"and {number} rounds; bans: {guard.bans()}")
        # The wrong ones go on trying, as phones do for days.
        for more in range(3):
            self.come_back(transport, sorted(WRONG), f"wrong-{more}")
        for ban in guard.api("bans")["bans"]:
            self.assertIn(ban["scope"], ("flow", "identity"), ban)
            if ban["scope"] == "identity":
                self.assertIn(ban["user"], WRONG, ban)
        # And the office works: those with service are served again.
        again = random.Random(8).sample(sorted(expected), 20)
        rows = [(user, peers.credentials(user)) for user in again]
        sipp = self.started(peers.Sipp(self.lab, "phones", self.directory, "again", "storm.xml", address=netns.PHONES,
                                       transport=transport, calls=len(rows), rate=10, rows=rows))
        self.assertEqual(sipp.finish(40), len(rows))
        guard.assert_sound()

    def test_f24_over_udp(self):
        self.all_but_the_wrong_ones("un")

    def test_f24_over_tcp(self):
        self.all_but_the_wrong_ones("tn")
