"""What the README promises for the first five minutes: Sipfile.example, one good client, one bad one."""

import subprocess

from harness import guard
from harness.case import LabCase


class SipfileExample(LabCase):
    """Runs in a namespace with the example's own ports on loopback, so nothing of the machine's is in the way."""

    def run_in_guard(self, *argv):
        return subprocess.run(self.lab.argv("guard", argv), capture_output=True, text=True, timeout=60,
                              cwd=self.directory)

    def test_sipsak_is_answered_and_svmap_finds_nothing(self):
        example = (guard.ROOT / "Sipfile.example").read_text()
        sipward = self.started(guard.Sipward(self.lab, self.directory, example.replace("%", "%%")))
        good = self.run_in_guard("sipsak", "-v", "-s", "sip:100@127.0.0.1:5060")
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertIn("200", good.stdout)
        bad = self.run_in_guard("svmap", "-x", "127.0.0.1", "127.0.0.1", "-p5060")
        self.assertIn("found nothing", bad.stdout + bad.stderr)
        stats = sipward.stats()
        self.assertGreaterEqual(stats["total_requests"], 2)
        self.assertGreaterEqual(stats["blocked_requests"], 1)
        self.assertIn(guard.API, example)
        sipward.assert_sound()
