"""digest_auth in front of a PBX that asks nobody for a password: phones get in, guessers do not."""

import hashlib
import re

from harness import capture, netns, peers
from harness.case import LabCase
from harness.guard import SIPFILE, Sipward
from harness.process import wait_until
from harness.sip import Client

REALM = "pbx.test"
MODERN, OLD = "549", [str(user) for user in range(500, 530)]   # one that knows SHA-256, and phones of SIPp
VICTIM = "540"

WITH_PASSWORDS = SIPFILE.replace("        proxy ", """        digest_auth {
            realm pbx.test
            users %(users)s
            enforce_auth_aor_match
        }
        proxy """)


def ha1(user, name):
    return hashlib.new(name, f"{user}:{REALM}:{peers.password(user)}".encode()).hexdigest()


class Phone:
    """A phone that knows SHA-256, on one socket."""

    def __init__(self, client):
        self._client = client
        self._count = 0

    def ask(self, user, headers=()):
        self._client.send(self._client.request("REGISTER", f"sip:{REALM}", user, headers))
        answer = self._client.receive(5.0)
        assert answer, "no answer"
        return int(answer[8:11]), answer.decode()

    def credentials(self, user, answer):
        line = next(line for line in answer.split("\r\n") if "algorithm=SHA-256" in line)
        nonce = re.search('nonce="([^"]*)"', line)[1]
        self._count += 1

        def hashed(text):
            return hashlib.sha256(text.encode()).hexdigest()
        ha2 = hashed(f"REGISTER:sip:{REALM}")
        response = hashed(f"{ha1(user, 'sha256')}:{nonce}:{self._count:08x}:abc:auth:{ha2}")
        return (f'Authorization: Digest username="{user}", realm="{REALM}", nonce="{nonce}", uri="sip:{REALM}", '
                f'response="{response}", algorithm=SHA-256, qop=auth, nc={self._count:08x}, cnonce="abc"')


class Passwords(LabCase):
    limit = 90

    def protect(self, *more):
        """`more`: lines of users beside those of the old phones, SIPp being so old that it takes no other challenge."""
        users = self.directory / "users"
        users.write_text("".join(f"{user}:{REALM}:{ha1(user, 'md5')}\n" for user in [*OLD, VICTIM, MODERN])
                         + "".join(more))
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory, ["OPEN"]))
        self.guard = self.started(Sipward(self.lab, self.directory, WITH_PASSWORDS.replace("%(users)s", str(users))))

    def results(self, result):
        return self.guard.metrics().get(f'sip_digest_auth_total{{result="{result}"}}', 0)

    def test_phones_register_and_call_with_their_passwords(self):
        self.protect()
        half = len(OLD) // 2
        for transport, users in (("u1", OLD[:half]), ("t1", OLD[half:])):
            self.started(peers.answering_phones(self.lab, "phones", self.directory, f"phones-{transport}",
                                                address=netns.PHONES, transport=transport, users=users, rate=10))
        self.started(peers.desk(self.lab, self.directory))
        wait_until(lambda: self.pbx.registered_users() >= set(OLD), "every phone to be registered", 30)
        calls = self.started(peers.Sipp(
            self.lab, "phones2", self.directory, "calls", "call_digest.xml", address=netns.PHONES2, calls=20,
            rows=[(user, peers.credentials(user), peers.DESK) for user in OLD]))
        self.assertEqual(calls.finish(60), 20)
        self.assertEqual(self.guard.bans(), {})
        self.assertGreaterEqual(self.results("accepted"), len(OLD) + 20)
        self.assertEqual(self.results("refused"), 0)
        self.guard.assert_sound()

    def test_a_modern_phone_uses_the_stronger_hash_and_registers_nobody_else(self):
        self.protect(f"{MODERN}:{REALM}:{ha1(MODERN, 'sha256')}\n")
        for transport in ("udp", "tcp"):
            with self.subTest(transport), self.lab.inside("phones"), \
                    Client(transport, netns.PHONES, (netns.GUARD_OUTSIDE, 5060)) as client:
                phone = Phone(client)
                status, challenge = phone.ask(MODERN)
                self.assertEqual(status, 401)
                self.assertLess(challenge.index("algorithm=SHA-256"), challenge.index("algorithm=MD5"))
                mine = phone.credentials(MODERN, challenge)
                self.assertEqual(phone.ask(MODERN, [mine])[0], 200)
                status, again = phone.ask(MODERN, [mine])
                self.assertEqual(status, 401)
                self.assertIn("stale=true", again)
                self.assertEqual(phone.ask(VICTIM, [phone.credentials(MODERN, challenge)])[0], 403)
        self.assertEqual(self.pbx.registered_users(), {MODERN})
        self.guard.assert_sound()

    def test_a_guesser_is_banned_and_the_pbx_hears_nothing_of_it(self):
        self.protect()
        seen = capture.Capture(self.lab, "pbx", self.directory)
        self.addCleanup(seen.abandon)
        words = self.directory / "words"
        words.write_text("".join(f"guess{i}\n" for i in range(60)))
        source = netns.ATTACKERS[0]
        self.started(peers.SipVicious(
            self.lab, "attacker", self.directory, "svcrack", "svcrack",
            ["-u", VICTIM, "-d", words, "--maximumtime", "2", netns.GUARD_OUTSIDE], source=source,
            launcher=["--dress", "--source", source]))
        wait_until(lambda: self.guard.held(source), "the guesser to be banned", 30)
        self.assertLessEqual(self.results("refused"), 20)
        self.assertEqual(capture.requests(seen.stop(), netns.PBX, source.encode()), [])
        self.guard.assert_sound()
