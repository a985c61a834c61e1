"""Sipward itself: started from the build tree with a Sipfile, asked through its HTTP site."""

import datetime
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess

from . import netns
from .process import Process, tail

ROOT = pathlib.Path(__file__).resolve().parents[3]
SITE_PORT = 2020
API = "/api/sip-guardian"

SIPFILE = """\
{
    admin off
    state_dir %(state)s
}
(guard) {
    sip_guardian {
        max_failures 5
        find_time 10m
        ban_time 1h
        rate_limit {
            register 10/s burst 20
            invite 50/s burst 100
            options 20/s burst 50
        }
        validation {
            mode strict
        }
    }
}
udp/:5060 {
    @sip sip
    route @sip {
        import guard
        proxy udp/%(pbx)s:5060
    }
}
tcp/:5060 {
    @sip sip
    route @sip {
        import guard
        proxy tcp/%(pbx)s:5060
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


def program():
    """The server under test: $SIPWARD_E2E_PROGRAM, else that of the dev preset."""
    path = pathlib.Path(os.environ.get("SIPWARD_E2E_PROGRAM", ROOT / "build/dev/bin/sipward"))
    if not path.exists():
        raise AssertionError(f"{path} is not built; run: cmake --preset dev && cmake --build --preset dev")
    return path


class Sipward:
    """One server in namespace `role`, or on the machine's loopback when `lab` is None. Ready when made.

    `launcher` is a command that runs what stands behind it.
    """

    def __init__(self, lab, directory, sipfile=SIPFILE, role="guard", site=SITE_PORT, launcher=()):
        self._lab = lab
        self._role = role
        self._site = site
        state = directory / "state"
        state.mkdir(exist_ok=True)
        self.sipfile = path = directory / "Sipfile"
        path.write_text(sipfile % {"state": state, "pbx": netns.PBX, "site": site})
        argv = [*launcher, program(), "run", "--config", path]
        self._process = Process("sipward", lab.argv(role, argv) if lab else argv, directory / "sipward.log",
                                env={**os.environ, "STATE_DIRECTORY": str(state)})
        try:
            self._process.wait_for_text("serving", 30)
        except BaseException:
            self._process.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def connection(self):
        """To the site. The socket is made inside the guard's namespace; the site answers loopback peers only."""
        connection = http.client.HTTPConnection("127.0.0.1", self._site, timeout=10)
        if self._lab:
            with self._lab.inside(self._role):
                connection.connect()
        return connection

    def _get(self, path, method="GET"):
        connection = self.connection()
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def api(self, path, method="GET"):
        status, body = self._get(f"{API}/{path}", method)
        if status != 200:
            raise AssertionError(f"{method} {path}: {status} {body[:300]!r}")
        return json.loads(body)

    def ask(self, method, path):
        """Status and answer of any call below the guardian's path."""
        status, body = self._get(f"{API}/{path}", method)
        return status, json.loads(body)

    def exposition(self):
        """What /metrics says, as it is."""
        return self._get("/metrics")[1].decode()

    @staticmethod
    def moment(text):
        """A time of the API."""
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))

    def stats(self):
        return self.api("stats")

    def bans(self):
        """Address of every ban, with its reason."""
        return {ban["ip"]: ban["reason"] for ban in self.api("bans")["bans"]}

    def ban(self, address):
        """By hand; it is stored when this returns, if there is a storage."""
        status, body = self._get(f"{API}/ban/{address}", "POST")
        if status != 201:
            raise AssertionError(f"ban/{address}: {status} {body[:300]!r}")

    def held(self, address):
        """The ban or soft block on the address, or None."""
        status, body = self._get(f"{API}/bans/{address}")
        if status == 404:
            return None
        if status != 200:
            raise AssertionError(f"bans/{address}: {status} {body[:300]!r}")
        return json.loads(body)

    def metrics(self):
        """Value by series, the series written as in the exposition: name{label="value",...}."""
        status, body = self._get("/metrics")
        if status != 200:
            raise AssertionError(f"/metrics: {status}")
        pairs = re.findall(r"^([a-zA-Z_:][^ ]*(?:\{[^}]*\})?) ([0-9eE.+-]+|NaN)", body.decode(), re.M)
        return {name: float(value) for name, value in pairs}

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number):
        self._process.signal(number)

    def command(self, *words):
        """Runs `sipward WORDS…` beside the server."""
        argv = [program(), *words]
        return subprocess.run(self._lab.argv(self._role, argv) if self._lab else argv, capture_output=True, text=True,
                              timeout=30, stdin=subprocess.DEVNULL)

    def resident_kib(self):
        return self._process.resident_kib()

    def hang_up(self):
        """Asks for a reload."""
        self._process.signal(signal.SIGHUP)

    def log(self):
        return self._process.text()

    def kill(self):
        """Ends it as a crash would."""
        self._process.signal(signal.SIGKILL)
        self._process.wait(10)

    def assert_sound(self):
        """Still running, and no sanitizer or crash has spoken in its log."""
        text = self._process.text()
        if not self._process.running():
            raise AssertionError(f"sipward ended by itself:\n{tail(self._process.log, 60)}")
        for word in ("AddressSanitizer", "runtime error:", "ThreadSanitizer", "terminate called"):
            if word in text:
                raise AssertionError(f"sipward's log holds '{word}':\n{tail(self._process.log, 80)}")

    def stop(self):
        """Ends the server and requires a clean exit: 0 after SIGTERM."""
        was_running = self._process.running()
        status = self._process.stop(15)
        if was_running and status != 0:
            raise AssertionError(f"sipward ended with {status} on SIGTERM:\n{tail(self._process.log, 60)}")


def build_tool(name):
    """Compiles tests/e2e/tools/NAME.c into build/e2e once per change. Returns the program's path."""
    source = ROOT / "tests/e2e/tools" / f"{name}.c"
    target = ROOT / "build/e2e" / name
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", fresh, source],
                       check=True)
        fresh.rename(target)
    return target
