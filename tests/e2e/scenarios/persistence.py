"""What is decided outlives the process: bans in a file, decisions in logs."""

import contextlib
import shutil
import subprocess
import threading
import unittest

from harness import guard, netns, sip
from harness.case import LabCase
from harness.guard import ROOT, Sipward
from harness.process import wait_until

SIPFILE = """\
{
    admin off
    state_dir %%(state)s
}
udp/:5060 tcp/:5060 {
    route {
        sip_guardian {
            rate_limit {
                any 1000/s burst 1000
            }
            storage {
                path %(kept)s/bans.db
            }
            ban_log %(folder)s/ban.log
            decision_log %(folder)s/decisions.json
        }
        respond
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

INNOCENT, SCANNER, BANNED_BY_HAND = netns.ATTACKERS[:3]
TARGET = (netns.GUARD_OUTSIDE, 5060)
READ_ONLY = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"']


class Knocking:
    """Asks over UDP from one address, again and again, and notes whether any answer came."""

    def __init__(self, lab, address):
        with lab.inside("attacker"):
            self._client = sip.Client("udp", address, TARGET)
        self.answers = 0
        self.asked = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._end.is_set():
            try:
                self._client.send(self._client.request("OPTIONS", "sip:pbx.test"))
                self.asked += 1
                if self._client.receive(0.01):
                    self.answers += 1
            except OSError:   # nobody listens there just now
                pass

    def stop(self):
        self._end.set()
        self._thread.join(5)
        self._client.__exit__()


@unittest.skipUnless(shutil.which("sqlite3"), "sqlite3 is not installed")
class Persistence(LabCase):
    limit = 60

    def setUp(self):
        super().setUp()
        self.kept = self.directory / "kept"
        self.kept.mkdir()
        self.runs = 0

    def start(self, launcher=()):
        self.runs += 1
        folder = self.directory / f"run{self.runs}"
        folder.mkdir()
        sipfile = SIPFILE % {"kept": self.kept, "folder": self.directory}
        return self.started(Sipward(self.lab, folder, sipfile, launcher=launcher))

    def query(self, statement):
        answer = subprocess.run(["sqlite3", "-batch", "-readonly", self.kept / "bans.db", statement],
                                capture_output=True, text=True, timeout=10)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return answer.stdout.split()

    @contextlib.contextmanager
    def client(self, transport, address):
        with self.lab.inside("attacker"):
            client = sip.Client(transport, address, TARGET)
        with client:
            yield client

    def answered(self, address, transport="udp", seconds=3.0):
        """Whether a harmless request is answered."""
        try:
            with self.client(transport, address) as client:
                return client.ask(client.request("OPTIONS", "sip:pbx.test"), seconds) == 200
        except OSError:
            return False

    def scan(self, address):
        with self.client("tcp", address) as client:
            client.ask(client.request("OPTIONS", "sip:pbx.test", headers=["User-Agent: friendly-scanner"]), 1)

    def test_bans_outlive_a_crash_and_bite_at_the_first_packet(self):
        server = self.start()
        self.assertTrue(self.answered(SCANNER))
        self.scan(SCANNER)
        wait_until(lambda: SCANNER in server.bans(), "the scanner to be banned")
        server.ban(BANNED_BY_HAND)
        server.kill()
        self.assertEqual(self.query("SELECT prefix FROM bans WHERE source = 'admin'"), [BANNED_BY_HAND],
                         "what was confirmed is on disk")
        self.assertEqual(self.query("SELECT reason FROM bans WHERE automatic"), ["scanner"])
        attackers = [self.started(Knocking(self.lab, address)) for address in (SCANNER, BANNED_BY_HAND)]
        innocent = self.started(Knocking(self.lab, INNOCENT))
        server = self.start()
        wait_until(lambda: innocent.answers >= 20, "the innocent to be answered")
        asked = [attacker.asked for attacker in attackers]
        wait_until(lambda: all(attacker.asked > before + 10 for attacker, before in zip(attackers, asked)),
                   "attackers to go on")
        self.assertEqual([attacker.answers for attacker in attackers], [0, 0])
        self.assertFalse(self.answered(SCANNER, "tcp", 0.5))
        why = server.held(SCANNER)
        self.assertEqual((why["reason"], why["proof"]), ("scanner", "handshake"))
        self.assertEqual(len(why["signals"]), 1)
        self.assertIn("friendly-scanner", why["messages"][0])
        self.assertEqual(server.metrics()["sip_guardian_storage_up"], 1)
        server.api(f"unban/{SCANNER}", "DELETE")
        server.kill()
        self.assertEqual(self.query("SELECT prefix FROM bans"), [BANNED_BY_HAND])
        history = self.query("SELECT event || ':' || prefix FROM events ORDER BY id")
        self.assertEqual(history, [f"ban:{SCANNER}", f"ban:{BANNED_BY_HAND}", f"unban:{SCANNER}"])
        server = self.start()
        self.assertTrue(self.answered(SCANNER))
        self.assertFalse(self.answered(BANNED_BY_HAND, seconds=0.3))
        server.assert_sound()

    def test_a_damaged_file_is_put_aside(self):
        server = self.start()
        server.ban(BANNED_BY_HAND)
        server.kill()
        for part in self.kept.iterdir():
            part.write_bytes(b"not a database " * 1000)
        server = self.start()
        self.assertIn("storage is damaged", server.log())
        self.assertEqual(len(list(self.kept.glob("bans.db.damaged-*Z"))), 1)
        server.ban(BANNED_BY_HAND)
        self.assertEqual(self.query("SELECT prefix FROM bans"), [BANNED_BY_HAND])
        server.assert_sound()

    def test_a_folder_that_can_only_be_read_leaves_the_guardian_in_memory(self):
        server = self.start(launcher=[*READ_ONLY, self.kept])
        self.assertIn("storage can't be used", server.log())
        self.assertEqual(server.metrics()["sip_guardian_storage_up"], 0)
        self.scan(SCANNER)
        wait_until(lambda: SCANNER in server.bans(), "the scanner to be banned")
        self.assertFalse(self.answered(SCANNER, seconds=0.3))
        self.assertTrue(self.answered(INNOCENT))
        self.assertEqual(list(self.kept.iterdir()), [])
        server.assert_sound()

    def test_validate_makes_nothing(self):
        path = self.directory / "Sipfile"
        path.write_text(SIPFILE % {"kept": self.kept, "folder": self.directory}
                        % {"state": self.directory / "state", "site": 2020})
        checked = subprocess.run([guard.program(), "validate", "--config", path], capture_output=True, text=True,
                                 timeout=20)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertEqual(sorted(entry.name for entry in self.directory.iterdir()), ["Sipfile", "kept"])
        self.assertEqual(list(self.kept.iterdir()), [])

    @unittest.skipUnless(shutil.which("fail2ban-regex"), "fail2ban is not installed")
    def test_fail2ban_reads_the_ban_log(self):
        server = self.start()
        log = self.directory / "ban.log"
        self.scan(SCANNER)
        server.ban(BANNED_BY_HAND)
        server.ban("198.51.100.0%2F24")
        server.ban("2001:db8:1::7")
        server.api(f"unban/{BANNED_BY_HAND}", "DELETE")
        wait_until(lambda: log.read_text().count("\n") == 5, "five lines in the ban log")
        self.assertEqual(self.fail2ban(log), [SCANNER, BANNED_BY_HAND, "198.51.100.0/24", "2001:db8:1::/64"])
        log.rename(self.directory / "ban.log.1")
        server.ban(BANNED_BY_HAND)
        wait_until(lambda: log.exists() and log.read_text().count("\n") == 1, "a line in the next ban log")
        self.assertEqual(self.fail2ban(log), [BANNED_BY_HAND])
        self.assertEqual((self.directory / "decisions.json").read_text().count('"event":"ban"'), 5)

    def fail2ban(self, log):
        answer = subprocess.run(["fail2ban-regex", "-o", "<ip>", log, ROOT / "tools/packaging/fail2ban/sipward.conf"],
                                capture_output=True, text=True, timeout=30)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return answer.stdout.split()
