"""Three PBXes behind one guard: one crashes and comes back in the middle of calls, another is drained."""

import collections
import http.client
import json
import re

from harness import guard, netns, peers
from harness.capture import Capture
from harness.case import LabCase
from harness.process import wait_until

PBXES = [netns.PBX, "10.77.0.6", "10.77.0.7"]
CALLS = 240
PER_SECOND = 15

SIPFILE = """\
{
    state_dir %(state)s
    admin 127.0.0.1:2019
}
udp/:5060 {
    route {
        proxy @UPSTREAMS@ {
            health_check interval=200ms timeout=2s
            lb_try_duration 20s
            fail_duration 1s
        }
    }
}
:%(site)d {
    handle /metrics {
        metrics
    }
}
""".replace("@UPSTREAMS@", " ".join(f"udp/{address}:5060" for address in PBXES))

Request = collections.namedtuple("Request", "method call_id target in_dialog")


def requests(packets):
    """What the guard forwarded to the PBXes, without what only asks whether they live."""
    for packet in packets:
        head = packet.payload.split(b"\r\n\r\n", 1)[0].decode(errors="replace")
        method = head.split(" ", 1)[0]
        if packet.source != netns.GUARD_INSIDE or packet.destination not in PBXES or "SIP/2.0" not in head:
            continue
        if method.startswith("SIP/") or method == "OPTIONS":
            continue
        yield Request(method, re.search(r"^Call-ID: *(\S+)", head, re.M | re.I)[1], packet.destination,
                      re.search(r"^To:.*;tag=", head, re.M | re.I) is not None)


class Balancing(LabCase):
    def manage(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", 2019, timeout=10)
        with self.lab.inside("guard"):
            connection.connect()
        connection.request(method, path)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        self.assertEqual(answer.status, 200, body)
        return body

    def upstreams(self):
        """By address."""
        return {one["address"].split(":")[0]: one for one in self.manage("GET", "/upstreams")["upstreams"]}

    def new_calls(self):
        """Where each call's first INVITE went, in order."""
        return [r.target for r in requests(self.capture.snapshot()) if r.method == "INVITE" and not r.in_dialog]

    def next_calls(self, count):
        """Where `count` calls from now on go. What was on its way already is let pass."""
        seen = len(self.new_calls()) + 5
        return wait_until(lambda: (calls := self.new_calls()[seen:])[count - 1:] and calls, f"{count} more calls", 30)

    def test_no_call_moves_when_a_pbx_crashes_comes_back_and_another_is_drained(self):
        for address in PBXES[1:]:
            self.lab.add_address("pbx", address)
        pbxes = {a: self.started(peers.Kamailio(self.lab, self.directory, address=a)) for a in PBXES}
        for address in PBXES:
            self.started(peers.desk(self.lab, self.directory, address))
        sipward = self.started(guard.Sipward(self.lab, self.directory, SIPFILE))
        wait_until(lambda: all(one["check"] == "answered" for one in self.upstreams().values()), "first checks")
        self.capture = Capture(self.lab, "pbx", self.directory, "udp and port 5060")
        self.addCleanup(self.capture.abandon)
        scenario = self.directory / "call.xml"
        text = (peers.PEERS / "call.xml").read_text()
        self.assertIn('<recv response="180" rrs', text)
        scenario.write_text(text.replace('<recv response="180" rrs', '<recv response="180" optional="true" rrs')
                            .replace('"400"', '"3000"'))   # a crash may take the 180 with it
        caller = self.started(peers.Sipp(self.lab, "trunk", self.directory, "calls", scenario, address=netns.TRUNK,
                                         calls=CALLS, rate=PER_SECOND, rows=[("trunk", "-", peers.DESK)]))
        wait_until(lambda: all(one["active"] > 4 for one in self.upstreams().values()), "calls on every PBX")

        crashes, drains = PBXES[1], PBXES[2]
        pbxes[crashes].kill()
        wait_until(lambda: not self.upstreams()[crashes]["healthy"], "the crash to be noticed")
        self.assertNotIn(crashes, self.next_calls(10))
        self.started(peers.Kamailio(self.lab, self.directory, address=crashes))
        wait_until(lambda: self.upstreams()[crashes]["healthy"], "its return to be noticed")
        self.assertIn(crashes, self.next_calls(6))

        told = self.manage("POST", f"/upstreams/{drains}:5060/drain")
        self.assertEqual(told, {"draining": True, "upstreams": [f"udp/{drains}:5060"]})
        self.assertNotIn(drains, self.next_calls(10))
        self.assertTrue(self.upstreams()[drains]["healthy"])
        self.manage("POST", f"/upstreams/{drains}:5060/enable")
        self.assertIn(drains, self.next_calls(9))

        caller.finish(60)
        sent = list(requests(self.capture.stop()))
        dialogs, invited = collections.defaultdict(set), {}
        for request in sent:
            if request.in_dialog:
                dialogs[request.call_id].add(request.target)
            else:
                invited[request.call_id] = request.target
        self.assertEqual(len(dialogs), CALLS)
        self.assertEqual({call: {target} for call, target in invited.items()}, dict(dialogs))

        wait_until(lambda: all(one["active"] == 0 for one in self.upstreams().values()), "all calls to be over")
        counted = {address: one["requests"] for address, one in self.upstreams().items()}
        self.assertEqual(counted, collections.Counter(r.target for r in sent if r.method != "ACK"))
        metrics = sipward.metrics()
        self.assertEqual(metrics["sip_proxy_upstreams"], 3)
        self.assertEqual(metrics["sip_proxy_upstreams_up"], 3)
        self.assertEqual(metrics["sip_proxy_upstream_active"], 0)
        self.assertEqual(metrics['sip_proxy_upstream_changes_total{to="down"}'], 1)
        self.assertEqual(metrics['sip_proxy_upstream_changes_total{to="up"}'], 1)
        self.assertGreater(metrics['sip_proxy_upstream_checks_total{result="dead"}'], 0)
        # Whether a call or a check meets the closed port first is a race; a call's own refusal has unit tests.
        sipward.assert_sound()
