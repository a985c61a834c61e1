"""SIP over WebSocket (RFC 7118), with Debian's python3-websockets as the other side."""

import asyncio
import base64
import os
import ssl
import unittest

from harness import netns, tls
from harness.case import LabCase
from harness.guard import Sipward
from harness.process import wait_until
from harness.sip import Client

try:
    import websockets
except ImportError:
    websockets = None

SIPFILE = """\
{
    admin off
    state_dir %(state)s
    tls CERTS/sip.pem CERTS/sip.key
}
ws/:8080 {
    route {
        sip_guardian
        websocket {
            origins https://phone.example.com
            max_message_size 4096
            max_fragments 3
        }
        respond
    }
}
wss/:7443 {
    route {
        sip_guardian
        respond
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


def message(method="OPTIONS", token="1", extra="", body=""):
    return (f"{method} sip:100@sip.example.com SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK{token};rport"
            f"\r\nMax-Forwards: 70\r\nFrom: <sip:100@sip.example.com>;tag=t{token}\r\nTo: <sip:100@sip.example.com>\r\n"
            f"Call-ID: c{token}\r\nCSeq: 1 {method}\r\nContact: <sip:100@df7jal23ls0d.invalid;transport=ws>\r\n{extra}"
            f"\r\n{body}")


def frame(opcode, payload, masked=True, final=True):
    head = bytes([(0x80 if final else 0) | opcode, (0x80 if masked else 0) | len(payload)])
    return head + (b"\0\0\0\0" if masked else b"") + payload


@unittest.skipUnless(websockets, "python3-websockets is not installed")
class WebSocket(LabCase):
    limit = 60

    def setUp(self):
        super().setUp()
        folder = self.directory / "certs"
        folder.mkdir()
        self.ca = tls.certificate(folder, "ca", "Test CA")
        tls.certificate(folder, "sip", "sip.example.com", issuer=self.ca)
        self.guard = self.started(Sipward(self.lab, self.directory, SIPFILE.replace("CERTS", str(folder))))

    def socket(self, port, address=netns.PHONES, role="phones"):
        with self.lab.inside(role):
            return Client("tcp", address, (netns.GUARD_OUTSIDE, port))._socket

    def talk(self, port, conversation, **how):
        """Runs a coroutine function with a connection."""
        async def run():
            if port == 7443:
                how.update(ssl=ssl.create_default_context(cafile=self.ca[0]), server_hostname="sip.example.com")
            uri = ("wss" if port == 7443 else "ws") + "://sip.example.com/"
            async with websockets.connect(uri, sock=self.socket(port), subprotocols=["sip"], open_timeout=10,
                                          ping_interval=None, **how) as connection:
                return await asyncio.wait_for(conversation(connection), 20)
        return asyncio.run(run())

    def counted(self, name):
        return self.guard.metrics().get(name, 0)

    def test_messages_pass_as_text_and_as_binary_with_and_without_tls(self):
        async def conversation(connection):
            self.assertEqual(connection.subprotocol, "sip")
            for number, octets in enumerate((message(token="1"), message(token="2").encode(),
                                             [message(token="3")[:50], message(token="3")[50:]])):
                await connection.send(octets)
                answer = await connection.recv()
                self.assertIsInstance(answer, str)
                self.assertTrue(answer.startswith("SIP/2.0 200"), answer)
                self.assertIn(f"z9hG4bK{number + 1}", answer)
            await (await connection.ping(b"here?"))
            await connection.send("\r\n\r\n")
            self.assertEqual(await connection.recv(), "\r\n")
            await connection.close()
            return connection.close_code
        for port in (8080, 7443):
            with self.subTest(port=port):
                self.assertEqual(self.talk(port, conversation), 1000)
        self.assertEqual(self.guard.bans(), {})
        self.guard.assert_sound()

    def test_a_scanner_is_banned_for_what_it_says(self):
        async def conversation(connection):
            await connection.send(message(extra="User-Agent: friendly-scanner\r\n"))
            with self.assertRaises(websockets.ConnectionClosed):
                await connection.recv()
        self.talk(7443, conversation)
        wait_until(lambda: netns.PHONES in self.guard.bans(), "the scanner to be banned")

    def test_limits_end_a_connection_with_their_codes(self):
        def sends(octets, code):
            async def conversation(connection):
                await connection.send(octets)
                with self.assertRaises(websockets.ConnectionClosed):
                    await connection.recv()
                self.assertEqual(connection.close_code, code)
            self.talk(8080, conversation)
        sends("x" * 5000, 1009)
        sends(["a", "b", "c", "d", "e"], 1008)
        fault = 'sipward_websocket_faults_total{fault="%s"}'
        self.assertEqual(self.counted(fault % "ws_message_too_large"), 1)
        self.assertEqual(self.counted(fault % "ws_fragments"), 1)

    def refusal(self, number, request):
        """The status of the answer to a raw request from an address of its own, and the socket."""
        raw = self.socket(8080, netns.ATTACKERS[number], "attacker")
        self.addCleanup(raw.close)
        raw.settimeout(10)
        raw.sendall(request)
        return int(raw.recv(4096).split()[1]), raw

    @staticmethod
    def request(*more, protocol="sip"):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET / HTTP/1.1", "Host: sip.example.com", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *more]
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        return "\r\n".join([*lines, "", ""]).encode()

    def test_who_breaks_the_rules_is_refused_and_counted(self):
        for number, (request, status, result) in enumerate((
                (self.request(protocol=None), 400, "ws_subprotocol"),
                (self.request("Origin: https://evil.example.com"), 403, "ws_origin"),
                (b"GET / HTTP/1.1\r\nHost: sip.example.com\r\n\r\n", 426, "ws_request"),
                (message().encode(), 400, "ws_request"),
                (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431, "ws_header_too_large"))):
            with self.subTest(result=result, number=number):
                self.assertEqual(self.refusal(number, request)[0], status)
                wait_until(lambda: self.counted(f'sipward_websocket_upgrades_total{{result="{result}"}}') >= 1, result)
        status, raw = self.refusal(10, self.request("Origin: https://phone.example.com"))
        self.assertEqual(status, 101)
        raw.sendall(frame(1, b"unmasked", masked=False))
        self.assertEqual(raw.recv(4096), b"\x88\x02\x03\xea")   # 1002
        self.assertEqual(raw.recv(4096), b"")
        self.guard.assert_sound()

    def test_an_upgrade_that_drips_is_ended(self):
        raw = self.socket(8080, netns.ATTACKERS[20], "attacker")
        self.addCleanup(raw.close)
        raw.settimeout(1)
        ended = []

        def drips():
            try:
                raw.sendall(b"G")
                ended[:] = [raw.recv(100) == b""]
            except TimeoutError:
                return False
            except ConnectionError:
                return True
            return ended[0]
        wait_until(drips, "the dripping upgrade to be ended", 30)
