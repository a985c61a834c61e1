"""The programs that a test talks through the guard with: Kamailio, SIPp, and SIPVicious."""

import atexit
import csv
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from . import netns, sip
from .process import Process, Timeout, tail, wait_until

PEERS = pathlib.Path(__file__).resolve().parent.parent / "peers"
USERS = [str(user) for user in range(500, 550)]
DESK = "9000"
PORT = 5060


def password(user):
    return f"pw-{user}-x"


class Kamailio:
    """The PBX of the lab, with a registrar of 50 digest users on UDP and TCP 5060; or another of peers/*.cfg."""

    def __init__(self, lab, directory, defines=(), config="kamailio.cfg", address=netns.PBX):
        self._lab = lab
        self._address = address
        self._runtime = pathlib.Path(tempfile.mkdtemp(prefix="sipward-pbx-"))   # short: it holds a Unix socket
        atexit.register(shutil.rmtree, self._runtime, ignore_errors=True)
        define = [word for name in defines for word in ("-A", name)]
        self._process = Process("kamailio", lab.argv("pbx", [
            "kamailio", "-DD", "-E", "-f", PEERS / config, "-l", f"udp:{address}:{PORT}",
            "-l", f"tcp:{address}:{PORT}", "-m", "64", "-M", "8", "-Y", self._runtime,
            "-P", self._runtime / "pid", *define]), directory / f"kamailio{'' if address == netns.PBX else '-' + address}.log")
        try:
            with lab.inside("guard"):
                probe = sip.Client("udp", netns.GUARD_INSIDE, (address, PORT))
            with probe:
                wait_until(lambda: self._alive(probe), "Kamailio to answer OPTIONS")
        except BaseException:
            self.stop()
            raise

    def _alive(self, probe):
        if not self._process.running():
            raise AssertionError(f"kamailio ended:\n{tail(self._process.log)}")
        return probe.ask(probe.request("OPTIONS", f"sip:{self._address}"), seconds=0.3) is not None

    def registered(self):
        """How many users have a live registration."""
        return len(self.registered_users())

    def registered_users(self):
        """Who has a live registration, as the registrar itself sees it."""
        answer = subprocess.run(
            self._lab.argv("pbx", ["kamcmd", "-s", f"unix:{self._runtime}/kamailio_ctl", "ul.dump", "brief"]),
            capture_output=True, text=True, timeout=10)
        return set(re.findall(r"AoR: ([^@\s]+)", answer.stdout))

    def log(self):
        return self._process.text()

    def kill(self):
        """Ends it as a crash would."""
        self._process.signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self):
        self._process.stop()
        shutil.rmtree(self._runtime, ignore_errors=True)


class Sipp:
    """One SIPp. `rows` feeds [field0]... ; finish() fails unless every call of a caller succeeded."""

    def __init__(self, lab, role, directory, name, scenario, *, address, transport="u1", port=0,
                 target=(netns.GUARD_OUTSIDE, PORT), calls=None, rate=10, rows=None, answer=False):
        self.name = name
        self._calls = calls
        self._errors = directory / f"{name}.errors"
        self._stat = directory / f"{name}.stat.csv"
        argv = ["sipp", f"{target[0]}:{target[1]}", "-sf", PEERS / scenario, "-i", address, "-t", transport,
                "-nostdin", "-skip_rlimit", "-trace_err", "-error_file", self._errors, "-trace_stat",
                "-stf", self._stat, "-fd", "1", "-timeout", "240s", "-timeout_error", "-deadcall_wait", "0",
                "-max_socket", "300", "-cid_str", f"{name}-%u-%p@%s"]
        if port:
            argv += ["-p", str(port)]
        if calls is not None:
            argv += ["-m", str(calls), "-r", str(rate), "-l", str(calls)]
        if rows is not None:
            table = directory / f"{name}.csv"
            with open(table, "w", newline="") as file:
                file.write("SEQUENTIAL\n")
                csv.writer(file, delimiter=";", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\") \
                    .writerows(rows)
            argv += ["-inf", table]
        if answer:
            argv += ["-oocsf", PEERS / "answer.xml"]
        self._process = Process(f"sipp {name}", lab.argv(role, argv), directory / f"{name}.log", cwd=directory)

    def running(self):
        return self._process.running()

    def counts(self):
        """(succeeded, failed) so far, from SIPp's own statistics."""
        try:
            rows = self._stat.read_text().splitlines()
        except OSError:
            return 0, 0
        if len(rows) < 2:
            return 0, 0
        head, last = rows[0].split(";"), rows[-1].split(";")
        if len(last) < len(head) - 1:
            return 0, 0
        number = {name: value for name, value in zip(head, last)}
        return int(number["SuccessfulCall(C)"]), int(number["FailedCall(C)"])

    def finish(self, seconds):
        """Waits for the caller to end and returns how many calls succeeded; any other outcome is an error."""
        try:
            status = self._process.wait(seconds)
        except Timeout as error:
            raise Timeout(f"{error}\n{self.report()}") from None
        succeeded, failed = self.counts()
        if status != 0 or failed or succeeded != self._calls:
            raise AssertionError(f"{self.name}: {succeeded} of {self._calls} calls succeeded, {failed} failed, "
                                 f"status {status}\n{self.report()}")
        return succeeded

    def wait(self, seconds):
        """Waits for the caller to end, however its calls went."""
        self._process.wait(seconds)

    def report(self):
        return tail(self._errors, 40)[-2000:]   # SIPp writes no line ends

    def stop(self):
        self._process.stop()


def credentials(user, secret=None):
    return f"[authentication username={user} password={secret or password(user)}]"


def answering_phones(lab, role, directory, name, *, address, transport, users, rate=4):
    """Registers the users and answers their calls on the same flows, until stopped."""
    return Sipp(lab, role, directory, name, "register.xml", address=address, transport=transport, calls=len(users),
                rate=rate, rows=[(user, credentials(user)) for user in users], answer=True)


def desk(lab, directory, address=netns.PBX):
    """The extension inside that outside phones call."""
    name = "desk" if address == netns.PBX else f"desk-{address}"
    return Sipp(lab, "pbx", directory, name, "answer.xml", address=address, port=5070, target=(address, PORT))


class SipVicious:
    """One run of a SIPVicious tool. Plain runs use the installed program untouched."""

    def __init__(self, lab, role, directory, name, tool, arguments, *, source, launcher=None):
        self.tool = tool
        program = [tool] if launcher is None else ["/usr/bin/python3", PEERS / "disguise.py", *launcher, tool]
        self._process = Process(name, lab.argv(role, ["env", "PYTHONUNBUFFERED=1", *program, "-v", "-x", source,
                                                      *arguments]), directory / f"{name}.log", cwd=directory)

    def finish(self, seconds=90):
        """Everything the tool printed."""
        self._process.wait(seconds)
        return self._process.text()

    def stop(self):
        self._process.stop()


def listed_users(output):
    """The extensions in svwar's table."""
    return re.findall(r"^\|\s*(\d+)\s*\|", output, re.M)
