"""What honest people get wrong, and what a sick PBX answers, bans nobody."""

from harness import netns, peers
from harness.case import LabCase
from harness.guard import Sipward


class Mistakes(LabCase):
    def guarded(self, *defines):
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory, defines))
        self.guard = self.started(Sipward(self.lab, self.directory))

    def phone(self, scenario, transport, calls, rows, rate=5):
        sipp = self.started(peers.Sipp(self.lab, "phones", self.directory, f"phone-{transport}", scenario,
                                       address=netns.PHONES, transport=transport, calls=calls, rate=rate, rows=rows))
        self.assertEqual(sipp.finish(40), calls)

    def assert_nobody_is_held(self):
        self.assertEqual(self.guard.bans(), {})
        self.assertIsNone(self.guard.held(netns.PHONES))
        self.assertGreater(self.guard.stats()["total_requests"], 0)
        self.guard.assert_sound()

    def wrong_password(self, transport):
        self.guarded()
        self.phone("wrong_password.xml", transport, 1,
                   [("505", peers.credentials("505"), peers.credentials("505", "oops"))])
        self.assertEqual(self.pbx.registered(), 1)
        self.assert_nobody_is_held()

    def test_four_wrong_passwords_and_then_the_right_one_over_udp(self):
        self.wrong_password("u1")

    def test_four_wrong_passwords_and_then_the_right_one_over_tcp(self):
        self.wrong_password("t1")

    def test_a_pbx_that_answers_503_to_everything(self):
        self.guarded("PBX_DOWN")
        for transport in ("u1", "t1"):
            with self.subTest(transport):
                self.phone("refused.xml", transport, 10, [("505", "-", "506")])
        self.assert_nobody_is_held()

    def misdials(self, transport):
        self.guarded()
        self.started(peers.answering_phones(self.lab, "phones", self.directory, "registered", address=netns.PHONES,
                                            transport=transport, users=["505"]))
        peers.wait_until(lambda: self.pbx.registered() == 1, "the phone to register")
        self.phone("misdial.xml", transport, 10, [("505", "-", str(700 + i)) for i in range(10)])
        self.assert_nobody_is_held()

    def test_a_registered_phone_misdials_ten_times_over_udp(self):
        self.misdials("u1")

    def test_a_registered_phone_misdials_ten_times_over_tcp(self):
        self.misdials("t1")
