"""Honest traffic: two offices whose phones register, call the desk inside, and are called by the PBX."""

from . import netns, peers
from .capture import Capture, strangers
from .process import wait_until

UDP_USERS = peers.USERS[:25]
TCP_USERS = peers.USERS[25:]


class Office:
    """Registers 50 users (25 over UDP from one address, 25 over TCP from another, a flow each), then calls.

    Every way of calling gets `calls_each` calls: outside to desk and PBX to phone, over UDP and over TCP.
    """

    def __init__(self, lab, directory, pbx, calls_each=125, rate=3):
        self._total = 4 * calls_each
        self._peers = []
        self._captures = {}
        try:
            for role, address in (("phones", netns.PHONES), ("phones2", netns.PHONES2)):
                self._captures[address] = Capture(lab, role, directory)
            self._add(peers.desk(lab, directory))
            ways = (("udp", "phones", netns.PHONES, "un", UDP_USERS), ("tcp", "phones2", netns.PHONES2, "tn", TCP_USERS))
            for name, role, address, transport, users in ways:
                self._add(peers.answering_phones(lab, role, directory, f"phones-{name}", address=address,
                                                 transport=transport, users=users))
            wait_until(lambda: pbx.registered() == len(peers.USERS), "50 users to be registered", 60)
            self.callers = []
            for name, role, address, transport, users in ways:
                self.callers.append(self._add(peers.Sipp(
                    lab, role, directory, f"out-{name}", "call_digest.xml", address=address, transport=transport,
                    calls=calls_each, rate=rate,
                    rows=[(user, peers.credentials(user), peers.DESK) for user in users])))
                self.callers.append(self._add(peers.Sipp(
                    lab, "pbx", directory, f"in-{name}", "call.xml", address=netns.PBX,
                    port=5071 if name == "udp" else 5072, target=(netns.PBX, peers.PORT), calls=calls_each, rate=rate,
                    rows=[(peers.DESK, "-", user) for user in users])))
        except BaseException:
            self.stop()
            raise

    def _add(self, peer):
        self._peers.append(peer)
        return peer

    def talking(self):
        """Whether calls have succeeded and more are under way."""
        return all(caller.counts()[0] > 0 for caller in self.callers) and self.busy()

    def busy(self):
        return any(caller.running() for caller in self.callers)

    def finish(self, seconds=150):
        """Requires every call to have succeeded, and every packet that a phone got to be from the guard."""
        succeeded = sum(caller.finish(seconds) for caller in self.callers)
        if succeeded != self._total:
            raise AssertionError(f"{succeeded} of {self._total} calls succeeded")
        for address, capture in self._captures.items():
            others = strangers(capture.stop(), address, {netns.GUARD_OUTSIDE})
            if others:
                raise AssertionError(f"{address} got packets that are not from the guard: {others}")
        return succeeded

    def stop(self):
        for peer in reversed(self._peers):
            peer.stop()
        for capture in self._captures.values():
            capture.abandon()
