"""`source sip`: Sipward as a SIP proxy between phones and a PBX (Kamailio), the PBX on UDP whatever the phones speak."""

import re
import select
import socket
import threading

from harness import netns, peers, sip
from harness.case import LabCase
from harness.guard import Sipward
from harness.office import Office

SIPFILE = """\
{
    admin off
    state_dir %(state)s
}
(hop) {
    sip_guardian {
        rate_limit {
            any 1000000/s burst 1000000
            strangers 1000000/s burst 1000000
        }
    }
    proxy udp/%(pbx)s:5060 {
        source sip
    }
}
udp/:5060 {
    @sip sip
    route @sip {
        import hop
    }
}
tcp/:5060 {
    @sip sip
    route @sip {
        import hop
    }
}
:%(site)d {
    handle /api/sip-guardian/* {
        sip_guardian_admin
    }
    handle /metrics {
        metrics
    }
}
"""


LOSSY_PORT = 5066


class Peer:
    """A peer of the PBX's namespace, in a thread; on_datagram(socket, data, source) is what it does."""

    def __init__(self, *sockets):
        self._sockets = sockets
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._ends.is_set():
            for ready in select.select(self._sockets, [], [], 0.2)[0]:
                self.on_datagram(ready, *ready.recvfrom(65536))

    def stop(self):
        self._ends.set()
        self._thread.join()
        for one in self._sockets:
            one.close()


class Desk(Peer):
    """A desk where nobody is: it rings until the call is cancelled."""

    def __init__(self, lab):
        with lab.inside("pbx"):
            desk = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        desk.bind((netns.PBX, 5070))
        self._invite = b""
        super().__init__(desk)

    def on_datagram(self, desk, data, source):
        if data.startswith(b"INVITE "):
            self._invite = data
            desk.sendto(self._answer(data, b"180 Ringing"), source)
        elif data.startswith(b"CANCEL "):
            desk.sendto(self._answer(data, b"200 OK"), source)
            desk.sendto(self._answer(self._invite, b"487 Request Terminated"), source)

    @staticmethod
    def _answer(request, status):
        lines = [line for line in request.split(b"\r\n")[1:]
                 if line.split(b":")[0] in (b"Via", b"Record-Route", b"From", b"To", b"Call-ID", b"CSeq")]
        lines = [line + b";tag=desk" if line.startswith(b"To:") else line for line in lines]
        return b"\r\n".join([b"SIP/2.0 " + status, *lines, b"Content-Length: 0", b"", b""])


class Lossy(Peer):
    """A relay in front of the PBX that loses every third datagram of each direction, the first one, too."""

    def __init__(self, lab, port, target):
        with lab.inside("pbx"):
            self._outer, self._inner = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._outer.bind((netns.PBX, port))
        self._inner.connect((netns.PBX, target))
        self._seen = {self._outer: 0, self._inner: 0}
        self._client = None
        super().__init__(self._outer, self._inner)

    def on_datagram(self, ready, data, source):
        self._seen[ready] += 1
        if ready is self._outer:
            self._client = source
        if self._seen[ready] % 3 == 1:
            return
        if ready is self._outer:
            self._inner.send(data)
        else:
            self._outer.sendto(data, self._client)


class Hop(LabCase):
    limit = 150

    def setUp(self):
        super().setUp()
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory))
        self.guard = self.started(Sipward(self.lab, self.directory, SIPFILE))

    def client(self, transport, address=netns.ATTACKERS[0]):
        with self.lab.inside("attacker"):
            return self.enterContext(sip.Client(transport, address, (netns.GUARD_OUTSIDE, peers.PORT)))

    def test_registrations_and_calls_both_ways_over_udp_and_tcp(self):
        office = Office(self.lab, self.directory, self.pbx, calls_each=10, rate=3)
        try:
            office.finish(100)
        finally:
            office.stop()
        self.assertEqual(self.guard.bans(), {})
        self.guard.assert_sound()

    def test_what_the_pbxs_side_loses_is_made_up_for_a_tcp_client(self):
        self.started(Lossy(self.lab, LOSSY_PORT, peers.PORT))
        (self.directory / "lossy").mkdir()
        lossy = self.started(Sipward(self.lab, self.directory / "lossy", SIPFILE.replace(
            "udp/%(pbx)s:5060", f"udp/%(pbx)s:{LOSSY_PORT}").replace("/:5060", f"/:{LOSSY_PORT}"), site=2021))
        with self.lab.inside("attacker"):
            phone = self.enterContext(sip.Client("tcp", netns.ATTACKERS[0], (netns.GUARD_OUTSIDE, LOSSY_PORT)))
        for _ in range(9):
            self.assertEqual(phone.ask(phone.request("OPTIONS", "sip:500@pbx.test", "501"), 30), 200)
        # Its refusal of a call, too, and the ACK to that.
        self.assertEqual(phone.ask(phone.request("INVITE", "sip:777@pbx.test", "501"), 30), 404)
        lossy.assert_sound()

    def test_requests_that_may_not_go_on_are_refused_with_the_right_status(self):
        for transport in ("udp", "tcp"):
            client = self.client(transport)
            request = client.request("OPTIONS", "sip:500@pbx.test")
            self.assertEqual(client.ask(request.replace(b"Max-Forwards: 70", b"Max-Forwards: 0")), 483)
            client.send(client.request("OPTIONS", "sip:500@pbx.test", headers=["Proxy-Require: clairvoyance"]))
            answer = client.receive(3.0)
            self.assertTrue(answer.startswith(b"SIP/2.0 420 "), answer)
            self.assertIn(b"Unsupported: clairvoyance", answer)
            self.assertEqual(client.ask(client.request("OPTIONS", "sip:500@pbx.test")), 200)

    def test_a_call_that_is_given_up_is_cancelled_at_the_desk(self):
        self.started(Desk(self.lab))
        for transport in ("udp", "tcp"):
            caller = self.client(transport)
            invite = caller.request("INVITE", "sip:9000@pbx.test", "trunk")
            caller.send(invite)
            heard = self.answers(caller, 180)
            cancel = re.sub(rb"^INVITE ", b"CANCEL ", invite).replace(b"1 INVITE", b"1 CANCEL")
            caller.send(re.sub(rb"Contact: [^\r]*\r\n", b"", cancel))
            heard = self.answers(caller, 487)
            self.assertIn(b"z9hG4bKe", heard)
            ack = re.sub(rb"^INVITE ", b"ACK ", invite).replace(b"1 INVITE", b"1 ACK")
            tag = re.search(rb"\r\nTo: [^\r]*;tag=([^;\r]+)", heard[heard.rindex(b"SIP/2.0 487"):]).group(1)
            caller.send(re.sub(rb"(\r\nTo: [^\r]*)", rb"\1;tag=" + tag, ack))
        self.guard.assert_sound()

    def answers(self, client, status):
        """All that comes until an answer of that status is among it."""
        heard = b""
        while b"SIP/2.0 %d " % status not in heard:
            more = client.receive(20)
            self.assertTrue(more, heard)
            heard += more
        return heard
