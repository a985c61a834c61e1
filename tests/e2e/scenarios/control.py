"""Starting, reloading and stopping from outside: the commands, the management API, the service manager."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile

from harness import guard
from harness.case import LabCase
from harness.process import Process, wait_until

SIPFILE = """\
{
    state_dir STATE
    grace_period GRACE
    log {
        output file LOG
    }
}
udp/127.0.0.1:5060 {
    route {
        respond
    }
}
"""


class Control(LabCase):
    limit = 60

    def setUp(self):
        super().setUp()
        self.sipfile = self.directory / "Sipfile"
        self.pidfile = self.directory / "pid"
        self.write("5s")

    def write(self, grace, extra=""):
        self.sipfile.write_text(SIPFILE.replace("STATE", str(self.directory / "state")).replace("GRACE", grace)
                                .replace("LOG", str(self.directory / "sipward.log")) + extra)

    def run_sipward(self, *words):
        return subprocess.run(self.lab.argv("guard", [str(guard.program()), *map(str, words)]), capture_output=True,
                              text=True, timeout=30, stdin=subprocess.DEVNULL)

    def started_in_background(self):
        started = self.run_sipward("start", "--config", self.sipfile, "--pidfile", self.pidfile)
        self.assertEqual(started.returncode, 0, started.stderr)
        pid = int(self.pidfile.read_text())
        self.addCleanup(self.end, pid)
        self.assertIn(str(pid), started.stdout)
        return pid

    @staticmethod
    def end(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", 2019, timeout=20)
        with self.lab.inside("guard"):
            connection.connect()
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text), answer.headers

    def grace(self):
        return self.ask("GET", "/config/global")[1].get("grace_period")

    def gone(self, pid):
        return lambda: not os.path.exists(f"/proc/{pid}") or \
            open(f"/proc/{pid}/stat", encoding="ascii").read().split(")")[-1].split()[0] == "Z"

    def test_start_reload_and_stop(self):
        pid = self.started_in_background()
        self.assertEqual(self.run_sipward("start", "--config", self.sipfile).returncode, 1, "the port is taken")
        self.assertEqual(self.run_sipward("reload").stdout, "unchanged\n")
        self.assertEqual(self.run_sipward("reload", "--force").stdout, "changed\n")
        self.write("6s")
        self.assertEqual(self.run_sipward("reload", "--config", self.sipfile).stdout, "changed\n")
        self.assertEqual(self.grace(), "6s")
        self.write("6s", extra="nonsense\n")
        refused = self.run_sipward("reload")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("'nonsense'", refused.stderr)
        self.assertEqual(self.grace(), "6s")
        self.assertEqual(self.run_sipward("stop").returncode, 0)
        wait_until(self.gone(pid), "the server to end")
        self.assertFalse(self.pidfile.exists())
        self.assertEqual(self.run_sipward("stop").returncode, 1)

    def test_start_returns_with_what_is_wrong(self):
        self.write("5s", extra="nonsense\n")
        started = self.run_sipward("start", "--config", self.sipfile)
        self.assertEqual(started.returncode, 1)
        self.assertIn("'nonsense'", started.stderr)

    def test_options_are_changed_by_path_and_what_was_read_can_be_sent_back(self):
        modules = guard.program().parents[1] / "lib/sipward/modules"
        self.sipfile.write_text(self.sipfile.read_text().replace("{\n", f"{{\n    modules_path {modules}\n", 1))
        self.started_in_background()
        status, config, headers = self.ask("GET", "/config/")
        self.assertEqual(config["global"]["modules_path"], [str(modules)])
        as_json = {"Content-Type": "application/json"}
        status, answer, _ = self.ask("POST", "/load", json.dumps(config), **as_json)
        self.assertEqual(status, 200, answer)
        self.assertEqual(self.ask("GET", "/config/")[1], config)
        tag = headers["ETag"]
        status, answer, _ = self.ask("PATCH", "/config/global/grace_period", '"8s"', **as_json, **{"If-Match": tag})
        self.assertEqual((status, answer.get("result")), (200, "changed"), answer)
        self.assertEqual(self.grace(), "8s")
        late, _, _ = self.ask("PATCH", "/config/global/grace_period", '"9s"', **as_json, **{"If-Match": tag})
        self.assertEqual((late, self.grace()), (412, "8s"))
        status, answer, _ = self.ask("PATCH", "/config/global/grace_period", '"never"', **as_json)
        self.assertEqual((status, self.grace()), (400, "8s"))
        self.assertIn("never", answer["error"])
        self.assertEqual(len(answer["problems"]), 1)
        listen = "/config/servers/0/listen"
        self.assertEqual(self.ask("POST", listen, '"tcp/127.0.0.1:5062"', **as_json)[0], 200)
        with self.lab.inside("guard"):
            socket.create_connection(("127.0.0.1", 5062), 5).close()
        self.assertEqual(self.ask("DELETE", f"{listen}/1")[0], 200)
        self.assertEqual(self.ask("GET", listen)[1], ["udp/127.0.0.1:5060"])
        config["global"]["modules_path"] = [str(self.directory)]
        status, answer, _ = self.ask("POST", "/load", json.dumps(config), **as_json)
        self.assertEqual(status, 400)
        self.assertIn("modules_path", answer["error"])

    def test_another_sipfile_is_read_here_and_sent_to_the_server(self):
        self.started_in_background()
        other = self.directory / "other"
        part = self.directory / "part"
        part.write_text("    grace_period 11s\n")
        other.write_text(f"{{\n    import {part}\n}}\nudp/127.0.0.1:5060 {{\n    route {{\n        respond\n    }}\n}}\n")
        self.assertEqual(self.run_sipward("reload", "--config", other).stdout, "changed\n")
        self.assertEqual(self.grace(), "11s")
        other.write_text("nonsense\n")
        refused = self.run_sipward("reload", other)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("'nonsense'", refused.stderr)
        self.assertEqual(self.run_sipward("reload").stdout, "changed\n", "its own file again")
        self.assertEqual(self.grace(), "5s")

    def test_a_configuration_by_the_api_reaches_for_no_file(self):
        self.started_in_background()
        other = self.directory / "other"
        other.write_text("(s) {\n}\n")
        for text, word in ((f"import {other}\n", "import"), (f"{{\n    modules_path {self.directory}\n}}\n", "modules_path")):
            status, answer, _ = self.ask("POST", "/load", text, **{"Content-Type": "text/sipfile"})
            self.assertEqual(status, 400, answer)
            self.assertIn(word, answer["error"])

    def test_the_service_manager_hears_of_every_step(self):
        with tempfile.TemporaryDirectory() as folder:   # a socket's path is short
            for name in (f"{folder}/notify", f"@sipward-e2e-{os.getpid()}"):
                with self.subTest(name):
                    self.hears_every_step(name)

    def hears_every_step(self, name):
        with self.lab.inside("guard"):   # abstract names belong to a network namespace
            manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            manager.bind("\0" + name[1:] if name[0] == "@" else name)
        manager.settimeout(20)
        self.addCleanup(manager.close)
        self.write("5s")
        server = self.started(Process(
            "sipward", self.lab.argv("guard", [guard.program(), "run", "--config", self.sipfile]),
            self.directory / "output.log", env={**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"}))

        def heard(word):
            while True:   # signs of life come in between
                report = manager.recv(4096).decode().split("\n")
                if report[0] != "WATCHDOG=1" or word == "WATCHDOG=1":
                    self.assertEqual(report[0], word)
                    return dict(line.split("=", 1) for line in report if line)

        self.assertIn("serving", heard("READY=1")["STATUS"])
        for _ in range(3):
            heard("WATCHDOG=1")
        for grace, said in (("7s", "serving"), ("never", "refused")):
            self.write(grace)
            before = int(open("/proc/uptime", encoding="ascii").read().split(".")[0])
            server.signal(signal.SIGHUP)
            self.assertGreaterEqual(int(heard("RELOADING=1")["MONOTONIC_USEC"]), (before - 1) * 1_000_000)
            self.assertIn(said, heard("READY=1")["STATUS"])
        server.signal(signal.SIGTERM)
        heard("STOPPING=1")
        self.assertEqual(server.wait(20), 0)
