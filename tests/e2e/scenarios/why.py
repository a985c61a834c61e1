"""The commands bans, ban, unban and why tell what the guardian did, in words, and never a secret."""

import json
import re

from harness import capture, netns, peers
from harness.case import LabCase
from harness.guard import SIPFILE, Sipward
from harness.process import wait_until

WITH_API = SIPFILE.replace("admin off", "admin 127.0.0.1:2019")
VICTIM = "510"
# 401 and 407 carry nonces; credentials carry those and responses.
SECRETS = re.compile(rb'(?:nonce|response|cnonce|opaque)="([^"]{6,})"')


class Why(LabCase):
    limit = 90

    def attack(self, number, tool, *arguments, tcp=False):
        source = netns.ATTACKERS[number]
        run = self.started(peers.SipVicious(
            self.lab, "attacker", self.directory, f"{tool}-{number}", tool, [*arguments, netns.GUARD_OUTSIDE],
            source=source, launcher=[*(["--tcp"] if tcp else []), "--dress", "--source", source]))
        return source, run

    def told(self, address):
        answer = self.guard.command("why", address)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return answer.stdout

    def test_disguised_attacks_are_explained_by_their_messages_without_secrets(self):
        self.started(peers.Kamailio(self.lab, self.directory))
        self.guard = self.started(Sipward(self.lab, self.directory, WITH_API))
        seen = capture.Capture(self.lab, "pbx", self.directory)
        self.addCleanup(seen.abandon)
        words = self.directory / "words"
        words.write_text("".join(f"guess{i}\n" for i in range(60)))
        crack = ("svcrack", "-u", VICTIM, "-d", words, "--maximumtime", "2")
        attacks = [self.attack(0, "svwar", "--maximumtime", "2"),
                   self.attack(1, "svwar", "--maximumtime", "2", tcp=True),
                   self.attack(2, *crack), self.attack(3, *crack, tcp=True)]
        (scan_udp, _), (scan_tcp, _), (crack_udp, _), (crack_tcp, _) = attacks
        for source, _ in attacks:
            wait_until(lambda: self.guard.held(source), f"{source} to be held", 30)
        texts = {source: self.told(source) for source, _ in attacks}
        self.assertIn(f"{scan_udp} is soft-blocked until", texts[scan_udp])
        self.assertRegex(texts[scan_udp], r"REGISTER of user \d+ over UDP: the PBX does not know whom it asks for \(404\), "
                                          r"weight 1; its sender was not proven")
        self.assertIn(f"{scan_tcp} is banned until", texts[scan_tcp])
        self.assertRegex(texts[scan_tcp], r"REGISTER of user \d+ over TCP: .* \(404\), weight 1; its sender was proven "
                                          r"by a handshake")
        for source, transport in ((crack_udp, "UDP"), (crack_tcp, "TCP")):
            self.assertIn(f"{source} is banned until", texts[source])
            self.assertRegex(texts[source], rf"REGISTER of user {VICTIM} over {transport}: the PBX refused its credentials "
                                            r"\(401\), weight 1")
        for _, run in attacks:
            run.finish()
        secrets = {secret for packet in seen.stop() for secret in SECRETS.findall(packet.payload)}
        self.assertGreater(len(secrets), 4)
        for source, text in texts.items():
            everything = text + json.dumps(self.guard.held(source))
            with self.subTest(source):
                self.assertEqual([secret for secret in secrets if secret.decode() in everything], [])
                self.assertNotIn("guess", everything)
        self.guard.assert_sound()

    def test_bans_are_made_listed_and_lifted_by_command(self):
        self.guard = self.started(Sipward(self.lab, self.directory, WITH_API))
        run = self.guard.command
        self.assertEqual(run("bans").stdout, "nobody is banned\n")
        made = run("ban", "198.51.100.7", "--for", "24h", "--reason", "calls at night")
        self.assertRegex(made.stdout, r"^198\.51\.100\.7 is banned until \S+Z\n$")
        self.assertEqual(run("ban", "198.51.100.0/24", "--address", "127.0.0.1:2019").returncode, 0)
        table = run("bans").stdout.splitlines()
        self.assertEqual(len(table), 3)
        self.assertRegex(table[0], "^ADDRESS +SCOPE +REASON +BY ")
        self.assertRegex(table[1], r"^198\.51\.100\.7 +address +calls at night +admin +trusted ")
        listed = json.loads(run("bans", "--json").stdout)
        self.assertEqual([ban["ip"] for ban in listed], ["198.51.100.7", "198.51.100.0/24"])
        self.assertIn("198.51.100.0/24, which holds 198.51.100.9, is banned", self.told("198.51.100.9"))
        self.assertEqual(json.loads(run("why", "--json", "198.51.100.7").stdout)["state"], "banned")
        protected = run("ban", netns.PBX)
        self.assertEqual(protected.returncode, 1)
        self.assertIn("is protected: the upstream", protected.stderr)
        self.assertRegex(self.told(netns.PBX), "is never banned: it is protected, as the upstream")
        self.assertEqual(run("unban", "198.51.100.7").returncode, 0)
        self.assertEqual(run("unban", "198.51.100.7").returncode, 1)
        self.assertEqual(run("unban", "--all").returncode, 0)
        self.assertEqual(run("bans").stdout, "nobody is banned\n")
        self.assertEqual(self.told("198.51.100.9"), "198.51.100.9 is not banned.\nNothing is counted against it.\n")
        other = run("why", "198.51.100.9", "--guardian", "nobody")
        self.assertEqual(other.returncode, 1)
        self.assertIn("give --guardian one of: default", other.stderr)

    def test_whoever_listens_is_told_as_it_happens_and_hears_what_he_missed(self):
        self.guard = self.started(Sipward(self.lab, self.directory))

        def listen(last=None):
            connection = self.guard.connection()
            self.addCleanup(connection.close)
            connection.request("GET", "/api/sip-guardian/events", headers={"Last-Event-ID": last} if last else {})
            return connection.getresponse()

        def next_event(answer):
            event = {}
            for line in iter(lambda: answer.readline().decode(), ""):
                if line == "\n" and "data" in event:
                    return event
                name, _, value = line.rstrip("\n").partition(": ")
                if value:
                    event[name] = value
            return None

        answer = listen()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/event-stream")
        for number in (1, 2):
            self.assertEqual(self.guard.ask("POST", f"ban/198.51.100.{number}")[0], 201)
        first = next_event(answer)
        self.assertEqual(first["event"], "ban")
        self.assertEqual(json.loads(first["data"])["ip"], "198.51.100.1")
        self.assertEqual(json.loads(next_event(answer)["data"])["ip"], "198.51.100.2")
        self.assertEqual(json.loads(next_event(listen(first["id"]))["data"])["ip"], "198.51.100.2")
        self.guard.stop()
        self.assertIsNone(next_event(answer), "the stream ends with the server")
