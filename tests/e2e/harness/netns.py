"""A private internet: one namespace per role, a bridge between the outside ones, and a PBX behind the guard.

    phones, phones2, trunk, attacker --- bridge (namespace `net`) --- guard --- pbx

Names carry the process id, so runs beside each other don't meet. Nothing is connected to the machine's own network.
Documentation addresses outside, private ones inside (RFC 5737, RFC 3849, RFC 1918).
"""

import atexit
import contextlib
import ctypes
import os
import pathlib
import re
import subprocess

OUTSIDE_NETWORK = "203.0.113.0/24"
INSIDE_NETWORK = "10.77.0.0/24"
GUARD_OUTSIDE = "203.0.113.1"
GUARD_INSIDE = "10.77.0.1"
GUARD_OUTSIDE_V6 = "2001:db8::1"
PBX = "10.77.0.5"
PHONES = "203.0.113.20"
PHONES2 = "203.0.113.30"
TRUNK = "203.0.113.40"
ATTACKERS = [f"203.0.113.{200 + i}" for i in range(40)]

FORGED_CROWD = "198.18.0.0/16"
CROWDS = ["198.51.100.0/24", "192.0.2.0/24", FORGED_CROWD]   # every address of these is the attacker's too

CLIENTS = {"phones": [PHONES], "phones2": [PHONES2], "trunk": [TRUNK], "attacker": ATTACKERS}

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class NamespacesUnavailable(Exception):
    """This machine or user may not make network namespaces."""


def _ip(*words, check=True):
    result = subprocess.run(["ip", *words], capture_output=True, text=True)
    if check and result.returncode != 0:
        raise NamespacesUnavailable(f"ip {' '.join(words)}: {result.stderr.strip()}")
    return result.stdout


class Lab:
    """Use as a context manager: everything is removed on leaving, whatever happened inside."""

    def __init__(self):
        self._prefix = f"sipward{os.getpid()}-"
        self._made = []

    def name(self, role):
        return self._prefix + role

    def __enter__(self):
        sweep()
        atexit.register(self.remove)
        try:
            self._build()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for name in reversed(self._made):
            _ip("netns", "del", name, check=False)
        self._made.clear()
        atexit.unregister(self.remove)

    def argv(self, role, argv):
        """The command line that runs argv inside the role's namespace."""
        return ["ip", "netns", "exec", self.name(role), *argv]

    @contextlib.contextmanager
    def inside(self, role):
        """Sockets that this thread makes in the block belong to the role's namespace, and stay there."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{self.name(role)}", "rb") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def open_route(self):
        """The PBX without a guard: its namespace is reached from outside through plain routing."""
        self._forwarding(True)
        self._in("pbx", "route", "replace", "default", "via", GUARD_INSIDE)
        self._in("attacker", "route", "replace", INSIDE_NETWORK, "via", GUARD_OUTSIDE)

    def close_route(self):
        self._in("attacker", "route", "del", INSIDE_NETWORK)
        self._in("pbx", "route", "del", "default")
        self._forwarding(False)

    def add_crowd(self, network):
        """Every address of the network is the attacker's from now on."""
        self._in("attacker", "route", "replace", "local", network, "dev", "lo")
        self._in("guard", "route", "replace", network, "via", ATTACKERS[0])

    def add_address(self, role, address):
        """One more address on the role's network."""
        self._in(role, "address", "replace", f"{address}/24", "dev", "eth0")

    def default_route(self, role, gateway):
        self._in(role, "route", "replace", "default", "via", gateway)

    def speak_as(self, address):
        """Attack tools that bind no address leave the attacker's namespace with this one."""
        self._in("attacker", "route", "replace", OUTSIDE_NETWORK, "dev", "eth0", "scope", "link", "src", address)
        for network in _routes(_ip("-n", self.name("attacker"), "route", "show", INSIDE_NETWORK)):
            self._in("attacker", "route", "replace", network, "via", GUARD_OUTSIDE, "src", address)

    def _build(self):
        for role in ("net", "guard", "pbx", *CLIENTS):
            _ip("netns", "add", self.name(role))
            self._made.append(self.name(role))
            self._in(role, "link", "set", "lo", "up")
        self._in("net", "link", "add", "br0", "type", "bridge")
        self._in("net", "link", "set", "br0", "up")
        for role in ("guard", *CLIENTS):
            self._plug(role, "eth0", "net", f"p-{role}")
            self._in("net", "link", "set", f"p-{role}", "master", "br0")
        self._plug("guard", "eth1", "pbx", "eth0")
        self._address("guard", "eth0", GUARD_OUTSIDE + "/24", GUARD_OUTSIDE_V6 + "/64")
        self._address("guard", "eth1", GUARD_INSIDE + "/24")
        self._address("pbx", "eth0", PBX + "/24")
        for role, addresses in CLIENTS.items():
            self._address(role, "eth0", *(f"{address}/24" for address in addresses))
        for network in CROWDS:
            self.add_crowd(network)
        self._forwarding(False)

    def _plug(self, role, device, other, other_device):
        _ip("link", "add", device, "netns", self.name(role), "type", "veth",
            "peer", "name", other_device, "netns", self.name(other))
        self._in(role, "link", "set", device, "up")
        self._in(other, "link", "set", other_device, "up")

    def _address(self, role, device, *addresses):
        for address in addresses:
            self._in(role, "address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def _forwarding(self, on):
        with self.inside("guard"):
            pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1" if on else "0")

    def _in(self, role, *words):
        return _ip("-n", self.name(role), *words)


def sweep():
    """Removes namespaces whose test run was killed outright."""
    for owner, name in re.findall(r"^(?:sipward)(\d+)(-[a-z0-9]+)", _ip("netns", "list"), re.M):
        if not os.path.exists(f"/proc/{owner}"):
            _ip("netns", "del", f"sipward{owner}{name}", check=False)


def _routes(text):
    return [line.split()[0] for line in text.splitlines() if line]


def _enter(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def why_not():
    """None where namespaces can be made; otherwise the reason, in words for a skip message."""
    if os.geteuid() != 0:
        return "network namespaces need root (run with sudo)"
    name = f"sipward{os.getpid()}-try"
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "br0", "type", "bridge")
        _ip("-n", name, "link", "add", "a0", "type", "veth", "peer", "name", "a1")
    except (NamespacesUnavailable, FileNotFoundError) as error:
        return f"network namespaces can't be made here: {error}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return None
