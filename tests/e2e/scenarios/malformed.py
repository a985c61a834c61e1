"""Every malformed message we have, on UDP and on TCP: no crash, and a reason that is counted.

Each message comes from an address of its own, so that each is judged on itself and not by what came before it.
"""

import collections
import pathlib
import re

from harness import netns, peers, sip
from harness.case import LabCase
from harness.guard import ROOT, Sipward
from harness.process import wait_until

CORPUS = ROOT / "tests/data/torture"
TARGET = (netns.GUARD_OUTSIDE, 5060)
REASON = re.compile(r"sip_guardian_(validation_violations|validation_results|blocked|unjudged|decisions)_total|unmatched")
QUIET = re.compile(r'action="(forward|pass|allow)"|result="valid"')

Message = collections.namedtuple("Message", "name transport action data")


def corpus():
    """All messages with what strict mode does to them; transport is None where a message makes sense on both."""
    for line in (CORPUS / "expected.tsv").read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        file, strict = line.split("\t")[:2]
        path = pathlib.Path(file)
        yield Message(path.stem, "tcp" if path.name.startswith("tcp_") else None, strict, (CORPUS / path).read_bytes())


# On a stream these say that more is to come: the guard rightly waits for it.
INCOMPLETE_ON_STREAMS = {"clerr", "cl_long", "cl_huge", "no_end", "baddn", "tcp_partial"}
# …and this is a keep-alive there (RFC 5626 4.4.1).
KEEP_ALIVES = {"tcp_ping"}


def refused(message, transport):
    """Whether strict mode must drop or reject it and say why. Stray responses, and what is a matter of the SIP hop
    (483, 420, 416), are not asked for here."""
    if transport == "tcp" and message.name in INCOMPLETE_ON_STREAMS | KEEP_ALIVES:
        return False
    return bool(re.match(r"(reject|drop)\b", message.action)) and not message.data.startswith(b"SIP/2.0 ") and \
        not re.search(r"483|420|416", message.action)


def counted(metrics):
    return {name: value for name, value in metrics.items() if REASON.search(name) and not QUIET.search(name)}


class Malformed(LabCase):
    limit = 240

    def setUp(self):
        super().setUp()
        self.pbx = self.started(peers.Kamailio(self.lab, self.directory))
        self.guard = self.started(Sipward(self.lab, self.directory))

    def say(self, transport, address, data):
        with self.lab.inside("attacker"):
            client = sip.Client(transport, address, TARGET)
        with client:
            try:
                client.send(data)
            except ConnectionError:
                return   # closed on us while we were still sending: as good an answer as any
            if transport == "tcp":
                client.receive(0.05)   # an answer or a close; what a peer then does is its own business

    def still_serving(self):
        with self.lab.inside("phones"):
            client = sip.Client("udp", netns.PHONES, TARGET)
        with client:
            return client.ask(client.request("OPTIONS", "sip:pbx.test"), 1.0) == 200

    def run_corpus(self, transport, network):
        messages = [m for m in corpus() if m.transport in (None, transport)]
        self.assertGreater(len(messages), 100, "the corpus is not there")
        for number, message in enumerate(messages):
            with self.subTest(message.name, action=message.action):
                before = counted(self.guard.metrics())
                self.say(transport, f"{network}.{number + 1}", message.data)
                if refused(message, transport):
                    wait_until(lambda: counted(self.guard.metrics()) != before,
                               f"a counted reason for {message.name} over {transport}", 5)
                self.guard.assert_sound()
        self.assertTrue(self.still_serving(), "an honest OPTIONS got no 200 afterwards")
        self.guard.assert_sound()

    def test_each_malformed_datagram_is_survived_and_counted(self):
        self.run_corpus("udp", "198.51.100")

    def test_each_malformed_stream_is_survived_and_counted(self):
        self.run_corpus("tcp", "192.0.2")

    def broken_by_rule(self, client):
        """A message that breaks exactly one of the README's rules, for each that a datagram can break."""
        good = client.request("INVITE", "sip:9000@pbx.test", body=b"v=0\r\n")
        for rule, name in (("missing_via", b"Via"), ("missing_from", b"From"), ("missing_to", b"To"),
                           ("missing_call_id", b"Call-ID"), ("missing_cseq", b"CSeq")):
            yield rule, re.sub(rb"\r\n" + name + rb":[^\r]*", b"", good)
        yield "null_bytes", good.replace(b"Max-Forwards", b"Max\0Forwards")
        yield "binary_injection", good.replace(b"Max-Forwards", b"Max\x01Forwards")
        yield "content_length_mismatch", good.replace(b"Content-Length: 5", b"Content-Length: five")
        yield "invalid_request_uri", good.replace(b"sip:9000@pbx.test SIP", b"sip:9000@pbx.test:0 SIP")

    def count_by_rule(self, transport, network):
        with self.lab.inside("phones"):
            template = sip.Client("udp", netns.PHONES, TARGET)
        with template:
            cases = list(self.broken_by_rule(template))
            if transport == "tcp":
                long = template.request("INVITE", "sip:9000@pbx.test", body=bytes(70000))
                cases.append(("oversized_message", long))
        for number, (rule, data) in enumerate(cases):
            with self.subTest(rule):
                series = f'sip_guardian_validation_violations_total{{rule="{rule}"}}'
                before = self.guard.metrics().get(series, 0)
                self.say(transport, f"{network}.{200 + number}", data)
                wait_until(lambda: self.guard.metrics().get(series, 0) > before, series, 5)

    def test_each_rule_of_the_readme_is_counted_by_name_over_udp(self):
        self.count_by_rule("udp", "198.51.100")

    def test_each_rule_of_the_readme_is_counted_by_name_over_tcp(self):
        self.count_by_rule("tcp", "192.0.2")
