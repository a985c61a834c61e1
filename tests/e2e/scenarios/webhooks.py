"""Webhooks: every event reaches a receiver once, in order, signed; bad receivers harm nobody but themselves."""

import hashlib
import hmac
import time

from harness import netns, sip
from harness.case import LabCase
from harness.guard import Sipward
from harness.process import wait_until
from harness.receiver import HANG, Authority, Receiver

SIPFILE = """\
{
    admin off
    state_dir %(state)s
    grace_period @GRACE@
}
udp/:5060 {
    route {
        sip_guardian {
@WEBHOOKS@
        }
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


class Webhooks(LabCase):
    limit = 60

    def receiver(self, *answers, **words):
        return self.started(Receiver(self.lab, "pbx", netns.PBX, answers or (204,), **words))

    def guarded(self, *blocks, grace="30s"):
        text = "\n".join("            webhooks {\n" + "".join(f"                {line}\n" for line in block) +
                         "            }" for block in blocks)
        self.text = SIPFILE.replace("@WEBHOOKS@", text)
        self.guard = self.started(Sipward(self.lab, self.directory, self.text.replace("@GRACE@", grace)))

    def ban(self, number, unban=False):
        address = f"198.51.100.{number}"
        status, _ = self.guard.ask("DELETE" if unban else "POST", f"{'unban' if unban else 'ban'}/{address}")
        self.assertEqual(status, 200 if unban else 201)
        return address

    def outcomes(self):
        metrics = self.guard.metrics()
        return {word: metrics[f'sip_guardian_webhooks_total{{result="{word}"}}']
                for word in ("sent", "retried", "failed", "dropped")}

    def wait_for(self, **wanted):
        def there():
            found = self.outcomes()
            return all(found[word] >= number for word, number in wanted.items())
        wait_until(there, f"{wanted}")

    def test_events_are_signed_filtered_retried_and_in_order(self):
        everything = self.receiver(503, 503, 204)
        bans_only = self.receiver()
        self.guarded([f"url {everything.url}", "secret geheim"], [f"url {bans_only.url}", "events ban"])
        for number in range(1, 6):
            self.ban(number)
        self.ban(1, unban=True)
        told = [("ban", f"198.51.100.{number}") for number in range(1, 6)]
        self.wait_for(sent=11)
        self.assertEqual(bans_only.told(), told)
        self.assertEqual(everything.told(), told[:1] * 2 + told + [("unban", "198.51.100.1")])
        self.assertEqual(self.outcomes(), {"sent": 11, "retried": 2, "failed": 0, "dropped": 0})
        for path, headers, body in everything.requests:
            self.assertEqual(path, "/hook")
            self.assertEqual(headers["Content-Type"], "application/json")
            self.assertEqual(headers["X-Sipward-Signature"],
                             "sha256=" + hmac.new(b"geheim", body, hashlib.sha256).hexdigest())
        self.assertNotIn("X-Sipward-Signature", bans_only.requests[0][1])
        events = everything.events()
        self.assertEqual(set(events[0]), {"id", "event", "ip", "reason", "timestamp", "expires_at", "details"})
        self.assertEqual(events[0]["reason"], "manual_ban")
        self.assertEqual(events[0]["id"], events[2]["id"], "an event keeps its id when it is sent again")
        self.assertEqual(len({event["id"] for event in events}), 6)

    def test_what_attackers_do_is_told_too(self):
        receiver = self.receiver()
        self.guarded([f"url {receiver.url}", "events suspicious"])
        with self.lab.inside("attacker"):
            client = sip.Client("udp", netns.ATTACKERS[0], (netns.GUARD_OUTSIDE, 5060))
        with client:
            for _ in range(6):
                client.send(client.request("OPTIONS", "sip:100@pbx.test", headers=["User-Agent: friendly-scanner"]))
        wait_until(receiver.told, "the attack to be told")
        self.assertEqual(receiver.told(), [("attack", netns.ATTACKERS[0])])
        self.assertEqual(receiver.events()[0]["reason"], "scanner")

    def test_a_receiver_that_refuses_or_redirects_is_not_asked_again(self):
        refusing, redirecting = self.receiver(404, 204), self.receiver(307, 204)
        self.guarded([f"url {refusing.url}"], [f"url {redirecting.url}"])
        self.ban(1)
        self.wait_for(failed=2)
        self.ban(2)
        self.wait_for(sent=2)
        for receiver in (refusing, redirecting):
            self.assertEqual([path for path, _, _ in receiver.requests], ["/hook", "/hook"])
        self.assertEqual(self.outcomes()["retried"], 0)

    def test_receivers_that_hang_are_late_or_dead_hold_up_nobody(self):
        good, hanging, late = self.receiver(), self.receiver(HANG), self.receiver((2, 204))
        with self.lab.inside("attacker"):
            client = sip.Client("udp", netns.ATTACKERS[1], (netns.GUARD_OUTSIDE, 5060))
        self.guarded([f"url {good.url}"], [f"url {hanging.url}", "timeout 20s"],
                     [f"url {late.url}", "timeout 300ms", "retries 1"], [f"url http://{netns.PBX}:9/", "retries 100"])
        for number in range(1, 21):
            self.ban(number)
        wait_until(lambda: len(good.told()) == 20, "the good receiver to be told everything")
        self.assertEqual(good.told(), [("ban", f"198.51.100.{number}") for number in range(1, 21)])
        self.assertEqual(len(hanging.told()), 1)
        with client:
            self.assertEqual(client.ask(client.request("OPTIONS", "sip:100@pbx.test")), 200)
        wait_until(lambda: len(late.told()) >= 2, "the late receiver to be asked twice")
        self.wait_for(failed=1)
        began = time.monotonic()
        self.guard.stop()
        self.assertLess(time.monotonic() - began, 12, "none of them holds up the end for its patience or the grace period")

    def test_a_reload_tells_each_event_once(self):
        slow = self.receiver((0.15, 204))
        block = [f"url {slow.url}"]
        self.guarded(block, block)   # the same twice is one receiver
        for number in range(1, 11):
            self.ban(number)
        for grace in ("29s", "28s"):
            self.guard.sipfile.write_text(self.text.replace("@GRACE@", grace) % {
                "state": self.directory / "state", "pbx": netns.PBX, "site": 2020})
            before = self.guard.metrics()['sipward_reloads_total{result="changed"}']
            self.guard.hang_up()
            wait_until(lambda: self.guard.metrics()['sipward_reloads_total{result="changed"}'] > before, "the reload")
            for number in (11, 12) if grace == "29s" else (13, 14):
                self.ban(number)
        self.wait_for(sent=14)
        self.assertEqual(slow.told(), [("ban", f"198.51.100.{number}") for number in range(1, 15)])

    def test_tls_wants_a_certificate_of_a_known_authority_for_that_very_host(self):
        authority = Authority(self.directory)
        right = self.receiver(tls=authority.issue("right", netns.PBX))
        wrong_name = self.receiver(tls=authority.issue("other", "10.77.0.9"))
        unknown = self.receiver(tls=authority.issue("unknown", netns.PBX))
        self.guarded([f"url {right.url}", f"ca {authority.certificate}"],
                     [f"url {wrong_name.url}", f"ca {authority.certificate}", "retries 1"],
                     [f"url {unknown.url}", "retries 1"])   # the system's authorities don't know ours
        self.ban(1)
        self.wait_for(sent=1, failed=2)
        self.assertEqual(right.told(), [("ban", "198.51.100.1")])
        self.assertEqual(wrong_name.told(), [])
        self.assertEqual(unknown.told(), [])
