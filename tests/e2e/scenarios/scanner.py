"""SIPVicious against a real PBX: it succeeds when nothing stands between, and is cut off by Sipward."""

from harness import capture, netns, office, peers
from harness.case import LabCase
from harness.guard import Sipward
from harness.process import wait_until

VICTIM = "510"
MOST_THAT_MAY_REACH = 20
REACHED = {"svwar": 10, "svcrack": 1}


def words(directory):
    """A dictionary with the right password in the middle."""
    path = directory / "words"
    guesses = [f"guess{i}" for i in range(150)]
    path.write_text("\n".join([*guesses, peers.password(VICTIM), *guesses]) + "\n")
    return path


def attacks(directory, target):
    """Name, tool and arguments; svwar takes its own default range of 100 to 999."""
    return [
        ("svmap", "svmap", ["-p5060", target]),
        ("svwar-register", "svwar", ["--maximumtime", "2", target]),
        ("svwar-invite", "svwar", ["-m", "INVITE", "--maximumtime", "2", target]),
        ("svwar-options", "svwar", ["-m", "OPTIONS", "--maximumtime", "2", target]),
        ("svcrack", "svcrack", ["-u", VICTIM, "-d", words(directory), "--maximumtime", "2", target]),
    ]


def found(tool, output):
    """What the attacker has in hand: hosts, extensions, passwords."""
    if tool == "svmap":
        return output.count(":5060 |")
    if tool == "svwar":
        return len(peers.listed_users(output))
    return int(peers.password(VICTIM) in output)


class WithoutSipward(LabCase):
    """The attacks are real: each one gets what it wants from the open PBX."""

    def setUp(self):
        super().setUp()
        self.lab.open_route()
        self.addCleanup(self.lab.close_route)
        self.started(peers.Kamailio(self.lab, self.directory))

    def run_all(self, launcher):
        running = []
        for number, (name, tool, arguments) in enumerate(attacks(self.directory, netns.PBX)):
            source = netns.ATTACKERS[number]
            if launcher is None:
                self.lab.speak_as(source)
            attack = self.started(peers.SipVicious(
                self.lab, "attacker", self.directory, name, tool, arguments, source=source,
                launcher=None if launcher is None else [*launcher, "--source", source]))
            if launcher is None:
                attack.finish()   # the installed tool takes its address from the route, so one at a time
            running.append((name, tool, attack))
        for name, tool, attack in running:
            with self.subTest(name):
                output = attack.finish()
                if name == "svmap":
                    self.assertIn("we have 1 devices", output)
                else:
                    self.assertGreaterEqual(found(tool, output), REACHED[tool], output[-2000:])

    def test_the_tools_as_they_are_find_the_host_its_users_and_a_password(self):
        self.run_all(None)

    def test_disguised_they_succeed_over_udp(self):
        self.run_all(["--dress"])

    def test_disguised_they_succeed_over_tcp(self):
        self.run_all(["--tcp", "--dress"])


class ThroughSipward(LabCase):
    """All attacks run while 50 phones register and 500 calls are made from other addresses."""

    limit = 240

    def setUp(self):
        super().setUp()
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory))
        self.guard = self.started(Sipward(self.lab, self.directory))
        self.capture = capture.Capture(self.lab, "pbx", self.directory)
        self.addCleanup(self.capture.abandon)

    def launch(self, sources):
        """Starts every attack in every form, each from an address of its own. Yields (form, name, tool, run)."""
        for form, launcher in (("plain over TCP", ["--tcp"]), ("disguised over UDP", ["--dress"]),
                               ("disguised over TCP", ["--tcp", "--dress"])):
            for name, tool, arguments in attacks(self.directory, netns.GUARD_OUTSIDE):
                source = next(sources)
                yield form, name, tool, source, self.started(peers.SipVicious(
                    self.lab, "attacker", self.directory, f"{name} {form}", tool, arguments, source=source,
                    launcher=[*launcher, "--source", source]))
        for name, tool, arguments in attacks(self.directory, netns.GUARD_OUTSIDE):
            source = next(sources)
            self.lab.speak_as(source)
            attack = self.started(peers.SipVicious(
                self.lab, "attacker", self.directory, f"{name} plain over UDP", tool, arguments, source=source))
            attack.finish()
            yield "plain over UDP", name, tool, source, attack

    def test_f23_attackers_are_cut_off_while_every_call_gets_through(self):
        traffic = self.started(office.Office(self.lab, self.directory, self.pbx))
        wait_until(traffic.talking, "calls to be under way", 40)
        results = []
        for form, name, tool, source, attack in list(self.launch(iter(netns.ATTACKERS))):
            results.append((form, name, tool, source, attack.finish()))
        with self.subTest("calls and attacks went on at the same time"):
            self.assertTrue(traffic.busy())
        with self.subTest("500 calls"):
            self.assertEqual(traffic.finish(), 500)
        packets = self.capture.stop()
        bans = self.guard.bans()
        detection = (self.directory / "detection.txt").open("w")   # for the table in the README
        self.addCleanup(detection.close)
        for form, name, tool, source, output in results:
            reached = capture.requests(packets, netns.PBX, source.encode())
            end = bans.get(source) or (self.guard.held(source) or {}).get("reason")
            print(f"{name} | {form} | {len(reached)} | {'banned' if source in bans else 'held'}: {end}", file=detection)
            with self.subTest(f"{name} {form}", requests_that_reached_the_pbx=len(reached)):
                self.assertLessEqual(len(reached), 0 if form.startswith("plain") else MOST_THAT_MAY_REACH)
                if tool != "svmap" or form.startswith("plain"):
                    self.assertEqual(found(tool, output), 0, output[-2000:])
                if form.endswith("TCP") and not (tool == "svmap" and form.startswith("disguised")):
                    self.assertIn(source, bans)
        for word in (b"friendly-scanner", b"sipvicious"):
            with self.subTest(f"no packet with {word.decode()}"):
                self.assertEqual(sum(1 for p in packets if p.destination == netns.PBX and word in p.payload), 0)
        for address in (netns.PHONES, netns.PHONES2):
            with self.subTest(f"{address} is neither banned nor soft-blocked"):
                self.assertNotIn(address, bans)
                self.assertIsNone(self.guard.held(address))
        self.guard.assert_sound()
