"""A thousand reloads under load: nothing is lost, nothing grows, what was known stays known."""

import http.client
import json
import pathlib
import re
import signal
import socket

from harness import guard, sip
from harness.case import LabCase
from harness.process import Process, wait_until

RELOADS = 1000
BROKEN_EVERY = 10
COMPARE_AFTER = 100
PER_SECOND = 5000
SOURCES = 200
CLIENTS = 64
PAUSE_MS = 25
MEMORY_MAY_GROW_KIB = 4 * 1024
BANNED = "192.0.2.99"
REFILLS_NEVER = "127.3.0.1"

SIPFILE = """\
{
    state_dir %(state)s
    grace_period 2s
    log {
        level INFO
    }
}
udp/127.0.0.1:5060 tcp/127.0.0.1:5060 {
@VARIANT@
}
udp/127.0.0.2:5060 tcp/127.0.0.2:5060 {
    route {
        respond {
            users 100-199
        }
    }
}
@SITE@ {
    handle /api/sip-guardian/* {
        sip_guardian_admin
    }
    handle /metrics {
        metrics
    }
}
@MORE@
"""

GUARD = """\
        sip_guardian {
            max_failures %d
            rate_limit {
                register 3/1h burst 3
                strangers 100000/s
            }
        }
        proxy %s
"""


def variant(number):
    """What changes from one reload to the next: options, names and order of routes, listeners, the site's address."""
    guards = (GUARD % (5 + number % 7, "127.0.0.2:5060")).rstrip()
    routes = [
        f"    @sip sip\n    route @sip {{\n{guards}\n    }}",
        f"    @calls sip\n    route @calls {{\n{guards}\n    }}",
        f"    @none sip {{\n        methods PUBLISH\n    }}\n    @sip sip\n"
        f"    route @none {{\n        respond\n    }}\n    route @sip {{\n{guards}\n    }}",
    ]
    more = f"udp/127.0.0.1:5099 tcp/127.0.0.1:5098 {{\n    route {{\n        respond\n    }}\n}}" if number % 5 == 4 else ""
    site = "127.0.0.1:%(site)d" if number % 3 == 1 else ":%(site)d"
    return (SIPFILE.replace("@VARIANT@", routes[number % 3]).replace("@MORE@", more).replace("@SITE@", site))


BROKEN = [
    ("a word too many", lambda text: text.replace("max_failures", "max_failurs"), "did you mean"),
    ("a block that does not end", lambda text: text.rstrip()[:-1], "is never closed"),
    ("a port that somebody holds", lambda text: text + "\ntcp/127.0.0.1:5077 {\n    route {\n        respond\n    }\n}\n",
     "can't listen on tcp/127.0.0.1:5077"),
    ("a site on that port", lambda text: text + "\n127.0.0.1:5077 {\n    respond 200\n}\n",
     "cannot listen on 127.0.0.1:5077"),
    ("a log that can't be written", lambda text: text.replace(
        "level INFO", "level ERROR\n        output file /nonexistent/sipward.log"), "/nonexistent/sipward.log"),
]


class Reload(LabCase):
    limit = 170

    def setUp(self):
        super().setUp()
        self.guard = self.started(guard.Sipward(self.lab, self.directory, variant(0)))
        self.log = open(self.directory / "sipward.log", encoding="utf-8", errors="replace")
        self.addCleanup(self.log.close)
        with self.lab.inside("guard"):
            self.holder = socket.create_server(("127.0.0.1", 5077))
        self.addCleanup(self.holder.close)

    def filled(self, text):
        return text % {"state": self.directory / "state", "site": guard.SITE_PORT, "pbx": "127.0.0.2"}

    def manage(self, method, path, body=None, kind="text/sipfile", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", 2019, timeout=30)
        with self.lab.inside("guard"):
            connection.connect()
        connection.request(method, path, body=body, headers={"Content-Type": kind, **headers})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text), answer

    def said(self):
        """The next line about a reload in the server's log."""
        def next_line():
            line = self.log.readline()
            return line if " core: reload" in line else None
        return wait_until(next_line, "the log to tell of the reload", 30)

    def reload(self, number):
        text = self.filled(variant(number))
        broken = number % BROKEN_EVERY == 0
        if broken:
            what, spoil, expected = BROKEN[number // BROKEN_EVERY % len(BROKEN)]
            text = spoil(text)
        if (number % 2 == 1) != (number % (2 * BROKEN_EVERY) == BROKEN_EVERY):   # broken ones both ways, too
            kind = "text/sipfile"
            if number % 3 == 0 and not broken:
                kind, text = "application/json", json.dumps(self.manage("POST", "/adapt", text)[1]["result"])
            status, answer, _ = self.manage("POST", "/load", text, kind)
            self.assertEqual(status, 400 if broken else 200, answer)
            told = answer.get("error", "")
            self.said()
        else:
            (self.directory / "Sipfile").write_text(text)
            self.guard.hang_up()
            told = self.said()
            self.assertIn("reload refused" if broken else "reloaded;", told)
        if broken:
            self.assertIn(expected, told, what)

    def kernel_drops(self):
        with self.lab.inside("guard"):
            udp = pathlib.Path("/proc/thread-self/net/snmp").read_text(encoding="ascii")
        names, values = [line.split()[1:] for line in udp.splitlines() if line.startswith("Udp:")]
        counters = dict(zip(names, map(int, values)))
        return counters["RcvbufErrors"] + counters["SndbufErrors"] + counters["InErrors"]

    def registers(self, count):
        with self.lab.inside("guard"):
            phone = sip.Client("udp", REFILLS_NEVER, ("127.0.0.1", 5060))
        with phone:
            return [phone.ask(phone.request("REGISTER", "sip:127.0.0.1", user="150"), seconds=0.5)
                    for _ in range(count)]

    def test_a_thousand_reloads_under_load_lose_nothing(self):
        api = "/guardian/default"
        status, answer, _ = self.manage("POST", f"{api}/ban/{BANNED}")
        self.assertEqual(status, 201, answer)
        self.assertEqual(self.registers(4), [200, 200, 200, None], "the bucket holds three")
        dropped = self.kernel_drops()
        load = self.started(Process("steady", self.lab.argv("guard", [
            guard.build_tool("steady"), "127.0.0.1", "5060", str(PER_SECOND), str(SOURCES), str(CLIENTS),
            str(PAUSE_MS), "120"]), self.directory / "steady.log"))
        load.wait_for_text("running")
        requests = lambda: self.guard.stats()["total_requests"]
        wait_until(lambda: requests() > 5000, "the load to be on its way")
        memory, last = {}, 0
        for number in range(1, RELOADS + 1):
            self.reload(number)
            if number == COMPARE_AFTER // 2:
                self.assertEqual(self.registers(1), [None], "the bucket was empty before the reloads")
            if number in (COMPARE_AFTER, RELOADS):
                memory[number] = self.guard.resident_kib()
            if number % 50 == 0:
                now = requests()
                self.assertGreater(now, last, "counters go on")
                last = now
        self.assertTrue(load.running(), "the load ended before the reloads did")
        load.signal(signal.SIGTERM)
        self.assertEqual(load.wait(20), 0, load.text())
        counted = re.search(r"udp sent (\d+) answered (\d+) twice (\d+) other (\d+); "
                            r"tcp sent (\d+) answered (\d+) ended (\d+)", load.text())
        udp_sent, udp_answered, twice, other, tcp_sent, tcp_answered, ended = map(int, counted.groups())
        print(f"      {counted.group(0)}; resident {memory}", flush=True)
        self.assertEqual(self.kernel_drops(), dropped, "the kernel dropped datagrams: the machine is too busy")
        self.assertEqual((udp_answered, twice, other), (udp_sent, 0, 0), load.text())
        self.assertEqual((tcp_answered, ended), (tcp_sent, 0), load.text())
        with self.subTest("what was known stays known"):
            self.assertEqual(self.manage("GET", f"{api}/bans")[1]["count"], 1)
            self.assertEqual(self.manage("GET", f"{api}/bans/{BANNED}")[0], 200)
            self.assertEqual(requests(), udp_sent + tcp_sent + 5)
        with self.subTest("memory is flat", memory=memory):
            self.assertLess(memory[RELOADS] - memory[COMPARE_AFTER], MEMORY_MAY_GROW_KIB)
        with self.subTest("every attempt was counted"):
            metrics = self.guard.metrics()
            refused = RELOADS // BROKEN_EVERY
            self.assertEqual(metrics['sipward_reloads_total{result="refused"}'], refused)
            self.assertEqual(metrics['sipward_reloads_total{result="changed"}'], RELOADS - refused)
        self.guard.assert_sound()
