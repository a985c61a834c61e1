"""What the guard takes and what Kamailio takes, message by message: the torture messages, and a few hundred requests
with one thing changed. Where the two differ, tests/data/torture/kamailio.tsv must say why.
"""

import contextlib
import fnmatch
import re
import socket

from harness import mutations, netns, peers, sip
from harness.case import LabCase
from harness.guard import ROOT, Sipward

TABLE = ROOT / "tests/data/torture/kamailio.tsv"
CORPUS = ROOT / "tests/data/torture"
SINK = 5090
SIPFILE = """\
{
    admin off
    state_dir %(state)s
}
udp/:5060 {
    route {
        sip_guardian {
            rate_limit {
                strangers 100000/s
            }
            validation {
                mode strict
            }
        }
        proxy udp/%(pbx)s:5090
    }
}
:%(site)d {
    handle /metrics {
        metrics
    }
}
"""


def messages():
    """Datagrams that begin a request or nothing at all; who may send which response is no matter of parsing."""
    for path in sorted(CORPUS.rglob("*.dat")):
        data = path.read_bytes()
        if not path.name.startswith("tcp_") and not data.lower().startswith(b"sip/"):
            yield str(path.relative_to(CORPUS)), data
    yield from mutations.all_of_them()


def explanations():
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, guard, kamailio, _because = line.split("\t")
            yield pattern, guard, kamailio


class Differential(LabCase):
    limit = 60

    def judged_by_guard(self, all_messages):
        """Each message is followed by a good one of the same source, so that its absence behind the guard is seen."""
        self.started(Sipward(self.lab, self.directory, sipfile=SIPFILE))
        with self.lab.inside("pbx"):
            sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink.bind((netns.PBX, SINK))
        sink.settimeout(5)
        taken = {}
        with sink:
            for number, (name, data) in enumerate(all_messages):
                address = f"{('198.51.100', '192.0.2')[number // 250 % 2]}.{number % 250 + 1}"
                with self.lab.inside("attacker"):
                    client = sip.Client("udp", address, (netns.GUARD_OUTSIDE, 5060))
                with client:
                    marker = client.request("OPTIONS", "sip:marker.test")
                    client.send(data)
                    client.send(marker)
                came = sink.recv(65536)
                taken[name] = came != marker
                if came != marker:
                    self.assertIn(came, data, f"{name} was not relayed byte for byte")
                    self.assertEqual(sink.recv(65536), marker)
        return taken

    def judged_by_kamailio(self, all_messages):
        judge = self.started(peers.Kamailio(self.lab, self.directory, config="judge.cfg"))
        ports = {}
        with self.lab.inside("guard"), contextlib.ExitStack() as clients:
            probe = clients.enter_context(sip.Client("udp", netns.GUARD_INSIDE, (netns.PBX, peers.PORT)))
            for number, (name, data) in enumerate(all_messages):
                client = clients.enter_context(sip.Client("udp", netns.GUARD_INSIDE, (netns.PBX, peers.PORT)))
                ports[client.port] = name
                client.send(data)
                if number % 32 == 31:   # no more at once than a socket's queue holds
                    self.assertEqual(probe.ask(probe.request("OPTIONS", "sip:probe.test"), 10), 200)
            self.assertEqual(probe.ask(probe.request("OPTIONS", "sip:last.test"), 10), 200)
        log = judge.log()
        accepted = {int(port) for port in re.findall(r"accepted (\d+)", log)}
        return {name: port in accepted for port, name in ports.items()}

    def test_each_difference_to_kamailio_is_explained(self):
        all_messages = list(messages())
        self.assertGreater(len(all_messages), 400)
        ours = self.judged_by_guard(all_messages)
        theirs = self.judged_by_kamailio(all_messages)
        words = {True: "takes", False: "refuses"}
        used = set()
        lines = list(explanations())
        unexplained = []
        for name, _ in all_messages:
            if ours[name] == theirs[name]:
                continue
            found = [line for line in lines if fnmatch.fnmatchcase(name, line[0])
                     and line[1:] == (words[ours[name]], words[theirs[name]])]
            used.update(found)
            if not found:
                unexplained.append(f"{name}\t{words[ours[name]]}\t{words[theirs[name]]}")
        self.maxDiff = None
        self.assertEqual(unexplained, [], "the guard and Kamailio differ without an explanation")
        self.assertEqual([line for line in lines if line not in used], [], "explanations that nothing needs any more")
