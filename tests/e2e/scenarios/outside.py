"""What the guard knows of the world: where an address is, what a name means, and who must never be banned."""

import json
import os
import shutil
import subprocess
import threading

from harness import guard, netns
from harness.case import LabCase
from harness.guard import ROOT, Sipward
from harness.process import Process, wait_until
from harness.sip import Client

DATA = ROOT / "tests/data/geoip"
COUNTRIES = DATA / "GeoIP2-Country-Test.mmdb"
NETWORKS = DATA / "GeoLite2-ASN-Test.mmdb"
DAMAGED = DATA / "GeoIP2-City-Test-Invalid-Node-Count.mmdb"
GB, US, AS1221 = "2.125.160.216", "216.160.83.56", "1.128.0.1"
TARGET = (netns.GUARD_OUTSIDE, 5060)
GATEWAY = "203.0.113.254"
DNS_PORT = 5353

SIPFILE = """\
{
    admin off
    state_dir %%(state)s
    resolvers %(dns)s:%(dns_port)d
}
(guard) {
    sip_guardian {
        max_failures 5
        rate_limit {
            options 1000000/s
            strangers 1000000/s
        }
        %(options)s
    }
}
udp/:5060 {
    route {
        import guard
        %(end)s
    }
}
tcp/:5060 {
    route {
        import guard
        %(end)s
    }
}
:%%(site)d {
    handle /api/sip-guardian/* {
        sip_guardian_admin
    }
    handle /metrics {
        metrics
    }
}
"""


def replace(path, source):
    """As careful programs do: a whole file takes the other's place."""
    fresh = path.with_suffix(".new")
    shutil.copyfile(source, fresh)
    os.replace(fresh, path)


class Outside(LabCase):
    limit = 90

    def guarded(self, options, end="respond"):
        text = SIPFILE % {"options": options, "end": end, "dns": netns.TRUNK, "dns_port": DNS_PORT}
        self.guard = self.started(Sipward(self.lab, self.directory, text))
        return self.guard

    def asks(self, address, transport="udp", seconds=3.0):
        """The status that an OPTIONS from there gets, or None."""
        with self.lab.inside("attacker"):
            try:
                client = Client(transport, address, TARGET)
            except ConnectionError:
                return None
        with client:
            return client.ask(client.request("OPTIONS", f"sip:{netns.GUARD_OUTSIDE}"), seconds)

    def refused(self, label):
        return self.guard.metrics().get(f'sip_guardian_geoip_blocked_total{{country="{label}"}}', 0)

    def is_refused(self, address, label):
        """Sends without waiting for an answer that must not come: the counter says what became of it."""
        before = self.refused(label)
        with self.lab.inside("attacker"):
            client = Client("udp", address, TARGET)
        with client:
            client.send(client.request("OPTIONS", f"sip:{netns.GUARD_OUTSIDE}"))
            wait_until(lambda: self.refused(label) > before, f"a message from {address} to be refused")
            self.assertIsNone(client.receive(0.05))

    def up(self):
        return self.guard.metrics()["sip_guardian_geoip_up"]

    def test_countries_are_refused_and_databases_replaced_under_load(self):
        for address in (GB, US, AS1221):
            self.lab.add_crowd(f"{address}/32")
        database = self.directory / "country.mmdb"
        replace(database, COUNTRIES)
        self.guarded(f"geoip_db {database}\n        asn_db {NETWORKS}\n        blocked_countries GB\n"
                     "        blocked_asns AS1221")
        self.assertEqual(self.up(), 1)
        self.assertEqual(self.asks(US), 200)
        self.assertEqual(self.asks(US, "tcp"), 200)
        self.is_refused(GB, "GB")
        self.is_refused(AS1221, "asn")
        before = self.refused("GB")
        self.assertIsNone(self.asks(GB, "tcp"))
        wait_until(lambda: self.refused("GB") > before, "a connection to be refused")

        done = threading.Event()
        lost = []
        with self.lab.inside("attacker"):
            caller = Client("udp", US, TARGET)

        def call():
            with caller:
                while not done.is_set():
                    if caller.ask(caller.request("OPTIONS", f"sip:{netns.GUARD_OUTSIDE}"), 5.0) != 200:
                        lost.append(1)
        load = threading.Thread(target=call)
        load.start()
        try:
            replace(database, DAMAGED)
            wait_until(lambda: self.up() == 0, "the damaged file to be noticed")
            self.is_refused(GB, "GB")
            database.write_bytes(COUNTRIES.read_bytes()[:4000])   # in place, and only a part
            self.is_refused(GB, "GB")
            database.unlink()
            self.is_refused(GB, "GB")
            self.assertEqual(self.up(), 0)
            replace(database, NETWORKS)   # whole, and knows no countries
            wait_until(lambda: self.up() == 1, "the new file to be read")
            self.assertEqual(self.asks(GB), 200)
            replace(database, COUNTRIES)
            wait_until(lambda: self.asks(GB, seconds=0.2) is None, "the countries to be back")
        finally:
            done.set()
            load.join()
        self.assertEqual(lost, [])
        self.assertEqual(self.guard.bans(), {})
        self.guard.assert_sound()

    def zone(self, how="answer", **records):
        path = self.directory / "zone.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({"how": how, "records": {k.replace("__", "."): v for k, v in records.items()}}))
        os.replace(fresh, path)
        return path

    def name_server(self):
        program = ROOT / "tests/e2e/peers/name_server.py"
        argv = ["python3", str(program), netns.TRUNK, str(DNS_PORT), str(self.directory / "zone.json")]
        server = self.started(Process("name_server", self.lab.argv("trunk", argv), self.directory / "dns.log"))
        server.wait_for_text("ready")
        return server

    def ban(self, address):
        return self.guard.ask("POST", f"ban/{address}")[0]

    def whitelisted(self, entry):
        for each in self.guard.api("whitelist")["whitelist"]:
            if each["entry"] == entry:
                return each["networks"]
        return None

    def test_a_whitelisted_service_follows_its_name_and_outlives_its_name_server(self):
        service = "_sip._udp.trunk.test"
        old, new = netns.ATTACKERS[0], netns.ATTACKERS[1]
        first = {"_sip._udp__trunk__test": [["SRV", 1, [0, 5, 5060, "a.trunk.test"]]],
                 "a__trunk__test": [["A", 1, old], ["AAAA", 1, "2001:db8::40"]]}
        self.zone("forge", **first)
        self.dns = self.name_server()
        self.guarded(f"whitelist {service} office.test")
        wait_until(lambda: self.whitelisted(service) == [old, "2001:db8::40"], "the service to resolve")
        self.assertEqual(self.whitelisted("office.test"), [])
        self.assertEqual(self.ban(old), 409)
        self.assertEqual(self.ban(new), 201)

        self.zone("refuse", **first)
        wait_until(lambda: self.said("does not resolve", "a.trunk.test"), "the failure to be said")
        self.assertEqual(self.whitelisted(service), [old, "2001:db8::40"])
        self.assertEqual(self.ban(old), 409)

        self.zone("silent", **first)
        self.dns.wait_for_text("silent a.trunk.test")
        self.assertEqual(self.ban(old), 409)
        many = [["A", 1, f"198.51.100.{i}"] for i in range(1, 201)]
        self.zone(**{"_sip._udp__trunk__test": [["SRV", 1, [0, 5, 5060, "b.trunk.test"]]],
                     "b__trunk__test": [["A", 1, new]], "office__test": many})
        wait_until(lambda: self.whitelisted(service) == [new], "the service to move", 40)
        self.assertNotIn(new, self.guard.bans())
        self.assertEqual(self.ban(new), 409)
        self.assertEqual(self.ban(old), 201)
        wait_until(lambda: len(self.whitelisted("office.test")) == 64, "only so many addresses to be used", 40)
        self.guard.assert_sound()

    def said(self, *words):
        return any(all(word in line for word in words)
                   for line in (self.directory / "sipward.log").read_text().splitlines())

    def test_nobody_bans_what_the_machine_needs(self):
        self.lab.default_route("guard", GATEWAY)
        self.guarded("", f"proxy udp/{netns.PBX}:5060")
        validate = [str(guard.program()), "validate", str(self.directory / "Sipfile")]
        shown = subprocess.run(self.lab.argv("guard", validate), capture_output=True, text=True, timeout=30).stdout
        wanted = {netns.PBX: f"the upstream udp/{netns.PBX}:5060", GATEWAY: "the default gateway",
                  netns.TRUNK: "a resolver", netns.GUARD_OUTSIDE: "an address of this server",
                  netns.GUARD_INSIDE: "an address of this server", netns.GUARD_OUTSIDE_V6: "an address of this server",
                  "127.0.0.1": "an address of this server", "::1": "an address of this server"}
        for address, why in wanted.items():
            with self.subTest(address):
                self.assertIn(f"{address} {why}", shown)
                status, answer = self.guard.ask("POST", f"ban/{address}")
                self.assertEqual(status, 409)
                self.assertIn(why, answer["error"])
        self.assertIn("hint: guardian 'default' bans and has no whitelist", shown)
        self.assertEqual(self.guard.ask("POST", "ban/203.0.113.0%2F24")[0], 409)
        self.assertEqual(self.guard.bans(), {})
