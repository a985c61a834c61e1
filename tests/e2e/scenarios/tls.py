"""SIP over TLS: as the README writes it, with peers of other make, and with everybody who only pretends."""

import os
import pathlib
import socket
import ssl
import subprocess

from harness import netns, peers, tls
from harness.case import LabCase
from harness.guard import Sipward
from harness.process import wait_until
from harness.sip import Client

SIPFILE = """\
{
    admin off
    state_dir %(state)s
    tls CERTS/sip.pem CERTS/sip.key
    layer4 {
        # SIP over TLS
        tcp/:5061 {
            @sip tls sni sip.example.com
            route @sip {
                sip_guardian { ... }
                tls
                proxy tcp/%(pbx)s:5060
            }
        }
        tcp/:5062 {
            route {
                sip_guardian
                tls {
                    certificate CERTS/sip.pem CERTS/other.pem
                    key CERTS/sip.key CERTS/other.key
                    protocols tls1.3
                    client_auth {
                        mode require_and_verify
                        trust_pool file CERTS/ca.pem
                    }
                }
                respond
            }
        }
        tls/:5063 {
            route {
                tls {
                    certificate CERTS/sip.pem CERTS/other.pem
                    key CERTS/sip.key CERTS/other.key
                }
                respond
            }
        }
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


class Tls(LabCase):
    limit = 90

    def setUp(self):
        super().setUp()
        self.folder = self.directory / "certs"
        self.folder.mkdir()
        self.ca = tls.certificate(self.folder, "ca", "Test CA")
        tls.certificate(self.folder, "sip", "sip.example.com", issuer=self.ca)
        tls.certificate(self.folder, "other", "other.example.com", issuer=self.ca)
        self.phone = tls.certificate(self.folder, "phone", "phone.example.com", issuer=self.ca)
        self.guard = None

    def serve(self, pbx=False):
        if pbx:
            self.started(peers.Kamailio(self.lab, self.directory))
        self.guard = self.started(Sipward(self.lab, self.directory, SIPFILE.replace("CERTS", str(self.folder))))

    def client(self, port=5063, address=netns.PHONES, role="phones", **how):
        with self.lab.inside(role):
            return tls.TlsClient(address, (netns.GUARD_OUTSIDE, port), **how)

    def counted(self, result):
        return self.guard.metrics().get(f'sipward_tls_handshakes_total{{result="{result}"}}', 0)

    def s_client(self, port, *words, address=netns.PHONES):
        """What `openssl s_client` says of a connection on which it sends nothing."""
        argv = ["openssl", "s_client", "-connect", f"{netns.GUARD_OUTSIDE}:{port}", "-bind", f"{address}:0",
                "-CAfile", self.ca[0], *map(str, words)]
        run = subprocess.run(self.lab.argv("phones", argv), input="", capture_output=True, text=True, timeout=20)
        return run.stdout + run.stderr

    def options(self, client):
        return client.ask(client.request("OPTIONS", "sip:100@sip.example.com"))

    def test_a_phone_gets_through_and_what_it_says_is_judged(self):
        self.serve(pbx=True)
        with self.client(5061, authority=self.ca[0]) as phone:
            self.assertEqual(phone.subject(), "sip.example.com")
            self.assertEqual(phone.ask(phone.request("REGISTER", "sip:pbx.test", "501")), 401)
            self.assertEqual(phone.ask(phone.request("REGISTER", "sip:pbx.test", "501")), 401)
        bad = netns.ATTACKERS[0]
        scanner = self.client(5061, bad, "attacker")
        scanner.send(scanner.request("OPTIONS", "sip:100@pbx.test", "100", ["User-Agent: friendly-scanner"]))
        wait_until(lambda: bad in self.guard.bans(), "the scanner to be banned for what it said under TLS")
        self.assertEqual(scanner.receive(5), b"")
        before = self.guard.metrics()
        with self.assertRaises(OSError):
            self.client(5061, bad, "attacker")
        after = self.guard.metrics()
        for series in after:
            if series.startswith("sipward_tls_handshakes_total"):
                self.assertEqual(before[series], after[series], f"{series}: the banned one got as far as a handshake")
        with self.client(5061, authority=self.ca[0]) as phone:
            self.assertEqual(phone.ask(phone.request("REGISTER", "sip:pbx.test", "501")), 401)
        for name in ("else.example.com", None):
            with self.subTest(name=name), self.client(5061, name=name) as phone:
                self.assertIsNone(phone.ask(phone.request("REGISTER", "sip:pbx.test", "501"), 1.0))
        self.guard.assert_sound()

    def test_openssl_finds_versions_names_and_certificates_as_they_were_written(self):
        self.serve()
        for port, words, finds in (
                (5063, ["-tls1_2"], r"Protocol *: TLSv1\.2"),
                (5063, ["-tls1_3"], "New, TLSv1.3"),
                (5063, ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "alert protocol version"),
                (5063, ["-servername", "sip.example.com", "-verify_hostname", "sip.example.com"],
                 r"Verify return code: 0 \(ok\)"),
                (5063, ["-servername", "other.example.com", "-verify_hostname", "other.example.com"],
                 r"Verify return code: 0 \(ok\)"),
                (5062, ["-tls1_2"], "alert protocol version"),
                (5062, ["-cert", self.phone[0], "-key", self.phone[1]], r"Verify return code: 0 \(ok\)")):
            with self.subTest(port=port, words=words):
                self.assertRegex(self.s_client(port, *words), finds)

    def test_clients_without_a_good_certificate_stay_outside(self):
        self.serve()
        with self.client(5062, own=self.phone) as phone:
            self.assertEqual(self.options(phone), 200)
        stranger = tls.certificate(self.folder, "stranger", "phone.example.com")
        for number, own in enumerate((None, stranger)):
            with self.subTest(own=own):
                try:   # TLS 1.3 lets a client think that it is in until it hears otherwise
                    with self.client(5062, netns.ATTACKERS[number], "attacker", own=own) as client:
                        self.assertIsNone(self.options(client))
                except OSError:
                    pass
        wait_until(lambda: self.counted("tls_client_certificate") == 2, "two handshakes without a good certificate")
        os.rename(self.ca[0], self.folder / "ca.away")
        self.guard.hang_up()
        wait_until(lambda: "ca.pem" in self.guard.log(), "the reload to be refused")
        with self.client(5062, own=self.phone) as phone:
            self.assertEqual(self.options(phone), 200)
        self.guard.assert_sound()

    def test_sessions_are_resumed_even_after_a_reload(self):
        self.serve()
        for version in ("-tls1_2", "-tls1_3"):
            kept = self.directory / f"session{version}"
            with self.client() as phone:   # s_client would end before a TLS 1.3 ticket is there
                self.assertEqual(self.options(phone), 200)
            self.assertNotRegex(self.s_client(5063, version, "-sess_out", kept, "-no_ign_eof"), "Reused, ")
            if not kept.exists():
                continue
            self.sipfile_changes(version)
            self.assertRegex(self.s_client(5063, version, "-sess_in", kept), "Reused, ")
        self.assertGreater(self.counted("resumed"), 0)

    def sipfile_changes(self, text):
        before = self.guard.metrics().get('sipward_reloads_total{result="changed"}', 0)
        with open(self.guard.sipfile, "a") as file:
            file.write(f"udp/:599{text[-1]} {{\n    route {{\n        respond\n    }}\n}}\n")
        self.guard.hang_up()
        wait_until(lambda: self.guard.metrics().get('sipward_reloads_total{result="changed"}', 0) > before,
                   "the changed Sipfile to be taken")

    def test_certificates_are_replaced_under_open_connections(self):
        self.serve()
        with self.client(authority=self.ca[0]) as phone:
            self.assertEqual(self.options(phone), 200)
            old = ssl.DER_cert_to_PEM_cert(phone._socket.getpeercert(True))
            fresh = self.directory / "fresh"
            fresh.mkdir()
            new = tls.certificate(fresh, "sip", "sip.example.com", issuer=self.ca)
            os.replace(new[0], self.folder / "sip.pem")    # half of it
            refused = 'sipward_tls_certificate_reloads_total{result="refused"}'
            wait_until(lambda: self.guard.metrics().get(refused, 0) > 0, "the half to be refused")
            with self.client(authority=self.ca[0]) as other:
                self.assertEqual(ssl.DER_cert_to_PEM_cert(other._socket.getpeercert(True)), old)
            os.replace(new[1], self.folder / "sip.key")

            def replaced():
                with self.client(authority=self.ca[0]) as another:
                    return ssl.DER_cert_to_PEM_cert(another._socket.getpeercert(True)) != old
            wait_until(replaced, "the new certificate to be shown")
            self.assertEqual(self.options(phone), 200)
        self.guard.assert_sound()

    def test_pretenders_are_counted_and_nobody_else_is_the_worse_for_it(self):
        self.serve()
        hello = self.hello()
        pretenders = {
            "tls_not_tls": b"OPTIONS sip:100@sip.example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n",
            "tls_protocol": b"\x15\x03\x01\x00\x02\x02\x28",
            "tls_cut": hello[:-20],
        }
        with self.client() as phone:
            for number, (fault, octets) in enumerate(pretenders.items(), 1):
                with self.subTest(fault):
                    with self.lab.inside("attacker"):
                        raw = Client("tcp", netns.ATTACKERS[number], (netns.GUARD_OUTSIDE, 5063))
                    with raw:
                        raw.send(octets)
                        raw._socket.shutdown(socket.SHUT_WR)
                        while raw.receive(10):
                            pass
                    wait_until(lambda: self.counted(fault) == 1, f"one {fault}, not {self.counted(fault)}")
            self.assertEqual(self.options(phone), 200)
        ended = 'sipward_connections_ended_total{reason="layer"}'
        wait_until(lambda: self.guard.metrics().get(ended, 0) == len(pretenders), "all to be ended by their layer")
        self.guard.assert_sound()

    @staticmethod
    def hello():
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.wrap_bio(incoming, outgoing, server_hostname="sip.example.com").do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()


class SelfSigned(LabCase):
    def test_without_a_certificate_one_is_made(self):
        guard = self.started(Sipward(self.lab, self.directory, "{\n admin off\n state_dir %(state)s\n}\n"
                                     "tls/:5061 {\n route {\n respond\n }\n}\n"))
        made = pathlib.Path(self.directory / "state/tls_self_signed.pem")
        self.assertEqual(made.stat().st_mode & 0o777, 0o600)
        self.assertRegex(guard.log(), "nobody vouches")
        with self.lab.inside("phones"):
            phone = tls.TlsClient(netns.PHONES, (netns.GUARD_OUTSIDE, 5061))
        with phone:
            self.assertEqual(phone.ask(phone.request("OPTIONS", "sip:100@sip.example.com")), 200)
