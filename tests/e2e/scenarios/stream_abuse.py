"""Every misuse of streams that we know of at once, while two offices register and call through the same guard."""

import time

from harness import netns, office, peers
from harness.case import LabCase
from harness.guard import SIPFILE, Sipward
from harness.process import Process, wait_until

OWN_PBX, DEAF, CLOSED = 5063, 5064, 5065     # listeners without a guardian: the stream limits alone must hold
UPSTREAMS = {DEAF: 5091, CLOSED: 5092}
SECONDS = 38
MEMORY_MAY_GROW_KIB = 96 * 1024
MEMORY_MAY_STAY_KIB = 48 * 1024

MORE = f"""\
tcp/:{OWN_PBX} {{
    @sip sip
    route @sip {{
        respond
    }}
}}
""" + "".join(f"""\
tcp/:{port} {{
    @sip sip
    route @sip {{
        proxy tcp/%(pbx)s:{upstream}
    }}
}}
""" for port, upstream in UPSTREAMS.items())


def sources(network, first, count):
    return [f"{network}.{number}" for number in range(first, first + count)]


# way: (port, sources, what it must be counted as and how often; of several series the sum)
OPENED = "sipward_connections_total{result="
ENDED = "sipward_connections_ended_total{reason="
FRAMING = "sipward_framing_errors_total{error="
ABUSES = {
    "idle": (5060, sources("198.51.100", 1, 200), [((ENDED + '"first_timeout"}', ENDED + '"displaced"}'), 9500)]),
    "crowd": (5060, sources("192.0.2", 1, 2), [(OPENED + '"too_many"}', 70)]),
    "drip_head": (5060, sources("192.0.2", 10, 4), [(ENDED + '"head_timeout"}', 20)]),
    "drip_body": (OWN_PBX, sources("192.0.2", 20, 4), [(ENDED + '"body_timeout"}', 20)]),
    "endless_header": (5060, sources("192.0.2", 30, 3), [(FRAMING + '"header_too_long"}', 3)]),
    "endless_start_line": (5060, sources("192.0.2", 40, 3), [(FRAMING + '"start_line_too_long"}', 3)]),
    "length_negative": (5060, sources("192.0.2", 50, 3), [(FRAMING + '"content_length_syntax"}', 3)]),
    "length_twice": (5060, sources("192.0.2", 60, 3), [(FRAMING + '"content_length_duplicate"}', 3)]),
    "length_huge": (5060, sources("192.0.2", 70, 3), [(FRAMING + '"message_too_long"}', 3)]),
    "keep_alives": (OWN_PBX, sources("192.0.2", 80, 4), [(ENDED + '"keep_alive_flood"}', 20)]),
    "resets": (OWN_PBX, sources("192.0.2", 90, 4), [((ENDED + '"reset"}', OPENED + '"gone"}'), 80)]),
    "pipeline": (5060, sources("192.0.2", 100, 10), [('sipward_connections_held_total', 10)]),
    "deaf": (OWN_PBX, sources("192.0.2", 120, 20), [(ENDED + '"write_timeout"}', 20)]),
    "bulky-deaf": (DEAF, sources("192.0.2", 150, 10), []),
    "bulky-closed": (CLOSED, sources("192.0.2", 170, 10),
                     [('sipward_upstream_connections_ended_total{reason="connect_timeout"}', 10)]),
}


class StreamAbuse(LabCase):
    limit = 150

    def setUp(self):
        super().setUp()
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory))
        for port, way in ((UPSTREAMS[DEAF], "deaf"), (UPSTREAMS[CLOSED], "closed")):
            stuck = self.started(Process(f"{way} upstream", self.lab.argv("pbx", [
                "/usr/bin/python3", peers.PEERS / "stuck.py", netns.PBX, str(port), way]),
                self.directory / f"upstream-{way}.log"))
            stuck.wait_for_text("stuck")
        self.guard = self.started(Sipward(self.lab, self.directory, SIPFILE + MORE))

    def abuse(self, name):
        port, from_where, _ = ABUSES[name]
        return self.started(Process(name, self.lab.argv("attacker", [
            "/usr/bin/python3", peers.PEERS / "abuse.py", name.split("-")[0], netns.GUARD_OUTSIDE, str(port),
            str(SECONDS), *from_where]), self.directory / f"abuse-{name}.log"))

    def counted(self, series):
        metrics = self.guard.metrics()
        return sum(metrics.get(name, 0) for name in (series if isinstance(series, tuple) else (series,)))

    def test_everybody_calls_and_memory_is_bounded_while_streams_are_abused(self):
        traffic = self.started(office.Office(self.lab, self.directory, self.pbx, calls_each=90, rate=2))
        wait_until(traffic.talking, "calls to be under way", 40)
        before = self.guard.resident_kib()
        # First the crowd of idle ones: where the machine allows fewer descriptors than they want, they displace each
        # other and are displaced by whoever comes later.
        running = {"idle": self.abuse("idle")}
        running["idle"].wait_for_text("holding", 40)
        running.update((name, self.abuse(name)) for name in ABUSES if name != "idle")
        most = before
        open_at_most = 0
        while any(process.running() for process in running.values()):
            most = max(most, self.guard.resident_kib())
            open_at_most = max(open_at_most, self.counted("sipward_connections"))
            time.sleep(0.5)   # between two looks
        for name, process in running.items():
            with self.subTest(name):
                self.assertEqual(process.wait(20), 0, process.text())
                self.assertRegex(process.text(), rf"{name.split('-')[0]}: [1-9]")
        (self.directory / "metrics.txt").write_text("".join(
            f"{name} {value:g}\n" for name, value in sorted(self.guard.metrics().items())))
        with self.subTest("every call succeeded"):
            self.assertEqual(traffic.finish(90), 360)
        for name, (_, _, reasons) in ABUSES.items():
            for series, least in reasons:
                with self.subTest(f"{name} is counted as {series}"):
                    wait_until(lambda: self.counted(series) >= least, f"{least} of {series}, not "
                               f"{self.counted(series)}", 10)
        with self.subTest("thousands of connections were open at once", most=open_at_most):
            self.assertGreater(open_at_most, 3000)
        with self.subTest("memory was bounded", before=before, most=most):
            self.assertLess(most - before, MEMORY_MAY_GROW_KIB)
        with self.subTest("connections are gone"):
            wait_until(lambda: self.counted("sipward_connections") < 100, "the connections to end", 15)
        after = self.guard.resident_kib()
        with self.subTest("memory came back", before=before, after=after):
            self.assertLess(after - before, MEMORY_MAY_STAY_KIB)
        with self.subTest("no honest office is held for it"):
            self.assertFalse({netns.PHONES, netns.PHONES2} & set(self.guard.bans()))
        self.guard.assert_sound()
