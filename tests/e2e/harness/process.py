"""Child processes with a log file each, and waiting for conditions instead of for time."""

import atexit
import os
import pathlib
import signal
import subprocess
import time


class Timeout(AssertionError):
    """A condition did not come true before its deadline."""


def wait_until(condition, what, seconds=20.0):
    """Returns the first true value of condition(). Raises Timeout naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Timeout(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


def tail(path, lines=25):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


class Process:
    """One child in its own process group; stdout and stderr go to `log`. stop() never leaves a child behind."""

    def __init__(self, name, argv, log, cwd=None, env=None):
        self.name = name
        self.log = pathlib.Path(log)
        self._file = open(self.log, "wb")
        self._child = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=self._file, stderr=subprocess.STDOUT,
            cwd=cwd, env=env, start_new_session=True)
        atexit.register(self.stop)   # a test that is interrupted leaves nothing running either

    @property
    def pid(self):
        return self._child.pid

    def text(self):
        return self.log.read_text(errors="replace")

    def running(self):
        return self._child.poll() is None

    def wait_for_text(self, word, seconds=20.0):
        def seen():
            if word in self.text():
                return True
            if not self.running():
                raise AssertionError(f"{self.name} ended with {self._child.returncode} before it said "
                                     f"'{word}':\n{tail(self.log)}")
            return False
        wait_until(seen, f"'{word}' from {self.name} ({self.log})", seconds)

    def wait(self, seconds):
        """The exit status. A process that is still there after `seconds` is killed and fails the test."""
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Timeout(f"{self.name} was still running after {seconds:g} s:\n{tail(self.log)}") from None

    def signal(self, number):
        if self.running():
            os.killpg(self._child.pid, number)

    def stop(self, seconds=5.0):
        """Ends the whole group, politely first. Returns the exit status."""
        for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, seconds)):
            if not self.running():
                break
            try:
                os.killpg(self._child.pid, number)
                self._child.wait(patience)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        try:
            os.killpg(self._child.pid, signal.SIGKILL)   # what the leader left in its group
        except (ProcessLookupError, PermissionError):
            pass
        self._file.close()
        atexit.unregister(self.stop)
        return self._child.poll()

    def resident_kib(self):
        """Resident memory of the process and its children (`ip netns exec` replaces itself, so usually one)."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0
