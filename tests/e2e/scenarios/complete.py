"""The README's complete example, with local addresses in place of its own: each of its blocks is seen to act.

And Sipfile.example, with each of its five environment variables set.
"""

import http.client
import os
import re
import sqlite3

from harness import netns, peers, sip
from harness.case import LabCase
from harness.guard import ROOT, Sipward
from harness.process import wait_until
from harness.receiver import Receiver

COMPLETE = ROOT / "tests/config/readme_complete.sipfile"
EXAMPLE = ROOT / "Sipfile.example"
COUNTRIES = ROOT / "tests/data/geoip/GeoIP2-Country-Test.mmdb"
IN_CHINA = "175.16.199.1"   # says the test database
TARGET = (netns.GUARD_OUTSIDE, 5060)


def formatted(text):
    """Sipward() fills its Sipfile in with `%`."""
    return text.replace("%", "%%")


class Complete(LabCase):
    limit = 90

    def client(self, transport, address):
        with self.lab.inside("attacker"):
            return self.enterContext(sip.Client(transport, address, TARGET))

    def asks(self, client, method="OPTIONS", user="500", caller="501", seconds=3.0, **words):
        return client.ask(client.request(method, f"sip:{user}@pbx.test", caller, **words), seconds)

    def count(self, series):
        return self.guard.metrics().get(series, 0)

    def example(self):
        """The README's text; only where things are is ours."""
        text = COMPLETE.read_text().partition("\n----------\n")[0] + "\n"   # behind it stands what is printed of it
        for theirs, ours in (("/etc/caddy/GeoLite2-Country.mmdb", str(COUNTRIES)),
                             ("https://hooks.example.com/sip-alerts", self.receiver.url),
                             ("/var/lib/caddy/sip_guardian.db", str(self.database)),
                             ("udp/192.168.1.100:5060", f"udp/{netns.PBX}:5060"),
                             ("udp/freepbx:5060", f"udp/{netns.PBX}:5060"),
                             ("tcp/freepbx:5060", f"tcp/{netns.PBX}:5060")):
            self.assertIn(theirs, text)
            text = text.replace(theirs, ours)
        return formatted(text)

    def test_every_block_of_the_readmes_complete_example_acts(self):
        self.lab.add_crowd(f"{IN_CHINA}/32")
        self.started(peers.Kamailio(self.lab, self.directory))
        self.receiver = self.started(Receiver(self.lab, "pbx", netns.PBX))
        self.database = self.directory / "sip_guardian.db"
        self.guard = self.started(Sipward(self.lab, self.directory, self.example()))

        with self.subTest("an honest client is served"):
            self.assertEqual(self.asks(self.client("tcp", netns.ATTACKERS[0])), 200)

        with self.subTest("geoip_db, blocked_countries"):
            with self.lab.inside("attacker"):
                self.assertIsNone(self.asks(self.enterContext(sip.Client("tcp", IN_CHINA, TARGET)), seconds=0.3))
            self.assertGreaterEqual(self.count('sip_guardian_geoip_blocked_total{country="CN"}'), 1)

        with self.subTest("validation { mode strict }"):
            client = self.client("tcp", netns.ATTACKERS[1])
            self.assertEqual(client.ask(client.request("OPTIONS", "sip:500@pbx.test:99999")), 400)
            self.assertEqual(self.count('sip_guardian_validation_violations_total{rule="invalid_request_uri"}'), 1)

        with self.subTest("ban_on_null_bytes"):
            client = self.client("tcp", netns.ATTACKERS[2])
            self.assertIsNone(client.ask(client.request("OPTIONS", "sip:500@pbx.test").replace(b"Max", b"M\0x"), 0.5))
            wait_until(lambda: self.guard.bans().get(netns.ATTACKERS[2]) == "null_bytes", "null bytes to be banned")

        with self.subTest("enumeration, of users whose challenge is left open; exempt_extensions don't count"):
            client = self.client("tcp", netns.ATTACKERS[3])
            for user in ("100", "200", "9999"):
                self.assertEqual(self.asks(client, "REGISTER", caller=user), 404)
            for user in ("505", "506", "507", "508", "509"):
                self.assertEqual(self.asks(client, "REGISTER", caller=user), 401)
            self.assertNotIn(netns.ATTACKERS[3], self.guard.bans())
            wait_until(lambda: self.guard.bans().get(netns.ATTACKERS[3]) == "sequential_pattern", "the row to be seen")
            ban = self.guard.held(netns.ATTACKERS[3])
            lasts = self.guard.moment(ban["expires_at"]) - self.guard.moment(ban["banned_at"])
            self.assertAlmostEqual(lasts.total_seconds(), 7200, delta=1)   # its own ban_time
            self.assertEqual(self.guard.api("stats")["enumeration_detections"], 1)
            self.assertEqual(self.guard.api("enumeration/stats")["detections"]["sequential_pattern"], 1)

        with self.subTest("max_failures"):
            client = self.client("tcp", netns.ATTACKERS[4])
            for attempt in range(5):
                answer = None
                client.send(client.request("REGISTER", "sip:pbx.test", "502"))
                answer = client.receive(3.0)
                nonce = re.search(rb'nonce="([^"]+)"', answer).group(1).decode()
                credentials = (f'Authorization: Digest username="502", realm="pbx.test", nonce="{nonce}", '
                               f'uri="sip:pbx.test", response="{attempt:032x}"')
                client.send(client.request("REGISTER", "sip:pbx.test", "502", headers=[credentials]))
                client.receive(0.5 if attempt == 4 else 3.0)
            wait_until(lambda: self.guard.bans().get(netns.ATTACKERS[4]) == "wrong_password", "guessing to be banned")

        with self.subTest("rate_limit { register 10/s burst 20 }"):
            client = self.client("tcp", netns.ATTACKERS[5])
            for _ in range(21):
                self.asks(client, "REGISTER", caller="503")
            self.assertGreaterEqual(self.count('sip_guardian_rate_limited_total{method="REGISTER"}'), 1)

        with self.subTest("whitelist: not to be banned"):
            self.assertEqual(self.guard.ask("POST", "ban/192.168.1.100")[0], 409)

        with self.subTest("webhooks"):
            def told():
                return {(event["event"], event["reason"]) for event in self.receiver.events()}
            wanted = {("ban", "null_bytes"), ("ban", "sequential_pattern"), ("enumeration", "sequential_pattern"),
                      ("ban", "wrong_password")}
            wait_until(lambda: wanted <= told(), "the receiver to be told of every ban")

        with self.subTest("storage"):
            def stored():
                with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as database:
                    return {reason for (reason,) in database.execute("SELECT reason FROM bans")}
            wait_until(lambda: {"null_bytes", "sequential_pattern", "wrong_password"} <= stored(), "bans to be stored")

        with self.subTest("metrics, and the rest of the API"):
            metrics = self.guard.metrics()
            self.assertEqual(metrics["sip_guardian_active_bans"], len(self.guard.bans()))
            self.assertGreater(metrics['sip_guardian_requests_total{method="REGISTER"}'], 10)
            self.assertGreater(metrics["sip_guardian_message_size_bytes_count"], 10)
            stats = self.guard.stats()
            for key in ("total_requests", "blocked_requests", "active_bans", "enumeration_detections",
                        "validation_failures", "rate_limited"):
                self.assertIsInstance(stats[key], int, key)
            self.assertEqual(self.guard.ask("DELETE", f"unban/{netns.ATTACKERS[2]}")[0], 200)
            self.assertNotIn(netns.ATTACKERS[2], self.guard.bans())
        self.guard.assert_sound()

    def test_each_environment_variable_of_the_example_acts(self):
        variables = {"SIP_UPSTREAM_HOST": netns.PBX, "SIP_UPSTREAM_PORT": "5060", "SIP_GUARDIAN_MAX_FAILURES": "2",
                     "SIP_GUARDIAN_FIND_TIME": "7m", "SIP_GUARDIAN_BAN_TIME": "90m"}
        self.started(peers.Kamailio(self.lab, self.directory))
        text = EXAMPLE.read_text()
        for name in variables:
            self.assertIn("{$" + name, text)
        saved = dict(os.environ)
        os.environ.update(variables)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(saved)))
        self.guard = self.started(Sipward(self.lab, self.directory, formatted(text)))
        client = self.client("tcp", netns.ATTACKERS[6])
        self.assertEqual(self.asks(client, "REGISTER", caller="701"), 404)   # by the real PBX
        self.assertEqual(self.guard.bans(), {})
        self.asks(client, "REGISTER", caller="704", seconds=0.5)
        wait_until(lambda: netns.ATTACKERS[6] in self.guard.bans(), "the second failure to ban")
        ban = self.guard.held(netns.ATTACKERS[6])
        minutes = (self.guard.moment(ban["expires_at"]) - self.guard.moment(ban["banned_at"])).total_seconds() / 60
        self.assertAlmostEqual(minutes, 90, places=1)
        with self.lab.inside("guard"):
            management = http.client.HTTPConnection("127.0.0.1", 2019, timeout=5)
            management.request("GET", "/config/")
            running = management.getresponse().read().decode()
            management.close()
        self.assertIn('"find_time":"7m"', running)
