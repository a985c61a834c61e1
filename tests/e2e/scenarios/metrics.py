"""What /metrics says of a live server: the promised names and labels, clean by promtool, kept over a reload."""

import re
import subprocess

from harness import netns, sip
from harness.case import LabCase
from harness.guard import SIPFILE, Sipward
from harness.process import wait_until

# Each name with a label that it has at any time, as the README promises them.
PROMISED = [
    'sip_guardian_requests_total{method="REGISTER"}', 'sip_guardian_blocked_total{reason="banned"}',
    "sip_guardian_active_bans", 'sip_guardian_rate_limited_total{method="INVITE"}',
    'sip_guardian_enumeration_detections_total{reason="count_threshold"}',
    'sip_guardian_enumeration_detections_total{reason="sequential_pattern"}',
    'sip_guardian_enumeration_detections_total{reason="rapid_fire"}', "sip_guardian_enumeration_tracked_ips",
    'sip_guardian_validation_violations_total{rule="missing_via"}',
    *(f'sip_guardian_validation_results_total{{result="{word}"}}' for word in ("valid", "rejected", "banned", "logged")),
    'sip_guardian_message_size_bytes_bucket{le="+Inf"}', "sip_guardian_message_size_bytes_sum",
    "sip_guardian_message_size_bytes_count", 'sip_guardian_decisions_total{action="drop",reason="banned"}',
    "sip_guardian_decision_seconds_sum", "sip_guardian_decision_seconds_count", "sip_guardian_ban_kernel_errors_total",
    'sip_guardian_unjudged_total{reason="no_transaction"}', "process_cpu_seconds_total",
    "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds",
]
SERIES_AT_MOST = 1000


class Metrics(LabCase):
    limit = 60

    def setUp(self):
        super().setUp()
        self.guard = self.started(Sipward(self.lab, self.directory))
        with self.lab.inside("attacker"):
            self.client = self.enterContext(
                sip.Client("udp", netns.ATTACKERS[0], (netns.GUARD_OUTSIDE, 5060)))

    def speak(self, times, method="OPTIONS"):
        before = self.guard.metrics()["sip_guardian_message_size_bytes_count"]
        for _ in range(times):
            self.client.send(self.client.request(method, "sip:100@pbx.test"))
        wait_until(lambda: self.guard.metrics()["sip_guardian_message_size_bytes_count"] >= before + times,
                   "the messages to be counted")

    def test_they_are_as_promised_and_promtool_is_content(self):
        self.speak(600)
        self.speak(1, "NONSENSE")
        metrics = self.guard.metrics()
        for name in PROMISED:
            with self.subTest(name):
                self.assertIn(name, metrics)
        self.assertTrue([name for name in metrics if name.startswith("sip_proxy_")])
        self.assertEqual(metrics['sip_guardian_requests_total{method="other"}'], 1)
        self.assertGreaterEqual(metrics["sip_guardian_decision_seconds_count"], 2, "one decision in 256 is timed")
        self.assertLess(metrics["sip_guardian_decision_seconds_sum"], 2)
        self.assertLess(len(metrics), SERIES_AT_MOST)
        text = self.guard.exposition()
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
            with self.subTest(name):
                self.assertEqual(kind == "counter", name.endswith("_total"))
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_counters_survive_a_reload(self):
        self.speak(300)
        before = self.guard.metrics()
        self.guard.sipfile.write_text(SIPFILE.replace("max_failures 5", "max_failures 6") % {
            "state": self.directory / "state", "pbx": netns.PBX, "site": 2020})
        self.guard.hang_up()
        wait_until(lambda: self.guard.metrics()['sipward_reloads_total{result="changed"}'] == 1, "the reload")
        after = self.guard.metrics()
        for name, value in before.items():
            if name.startswith("sip_") and "_total" in name:
                with self.subTest(name):
                    self.assertGreaterEqual(after[name], value)
        self.speak(10)
        self.assertGreaterEqual(self.guard.metrics()["sip_guardian_message_size_bytes_count"], 310)
