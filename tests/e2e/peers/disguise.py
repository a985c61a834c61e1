#!/usr/bin/python3
"""Runs an installed SIPVicious tool over UDP or TCP, as it is or dressed up as an ordinary desk phone.

    disguise.py [--tcp] [--dress] --source ADDRESS svmap|svwar|svcrack ARGUMENTS...

The tools name themselves by agent, Call-ID, branch, tag and Contact; --dress replaces all five (and svmap's From) on
the way out and puts the tool's own values back into the answers, because svwar and svcrack read their results from
them. The tools speak only UDP; --tcp carries each message over a connection, and opens a new one when it is closed.
"""

import argparse
import importlib
import re
import secrets
import socket
import sys
import threading
import types

AGENT = "Yealink SIP-T46S 66.86.0.15"
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d+)", re.I | re.M)


def _header(text, name):
    found = re.search(rf"^{name}:[ \t]*([^\r\n]*)", text, re.I | re.M)
    return found.group(1) if found else ""


def _replace(text, name, value):
    return re.sub(rf"^({name}:[ \t]*)[^\r\n]*", lambda m: m.group(1) + value, text, count=1, flags=re.I | re.M)


class Dress:
    """Remembers, per branch, what the tool had written, so that an answer can be given back its old look."""

    def __init__(self, source):
        self._source = source
        self._originals = {}
        self._calls = {}

    def outgoing(self, message, port):
        via, sender, call = (_header(message, name) for name in ("Via", "From", "Call-ID"))
        branch = re.search(r"branch=([^;\s]+)", via).group(1)
        tag = re.search(r";\s*tag=([^;\s]+)", sender)
        ours = self._calls.setdefault(call, (f"{secrets.token_hex(8)}@{self._source}", secrets.token_urlsafe(7)))
        new_branch = "z9hG4bK" + secrets.token_hex(9)
        self._originals[new_branch] = {
            "Call-ID": call, "From": sender, "To": _header(message, "To"), "branch": branch}
        user = re.search(r"sip:([^@>]+)@", sender)
        message = _replace(message, "Via", via.replace(branch, new_branch))
        message = _replace(message, "Call-ID", ours[0])
        message = _replace(message, "User-Agent", AGENT)
        message = _replace(message, "Contact", f"<sip:{user.group(1) if user else 'phone'}@{self._source}:{port}>")
        message = message.replace('"sipvicious"<sip:100@1.1.1.1>', '<sip:100@pbx.test>')
        if tag:
            message = message.replace(f"tag={tag.group(1)}", f"tag={ours[1]}")
        return message

    def incoming(self, message):
        branch = re.search(r"branch=([^;\s]+)", _header(message, "Via"))
        original = self._originals.get(branch.group(1)) if branch else None
        if original is None:
            return message
        message = message.replace(branch.group(1), original["branch"])
        message = _replace(message, "Call-ID", original["Call-ID"])
        return _replace(message, "From", original["From"])


class UdpCarrier:
    def __init__(self, source, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((source, port))
        self.port = self._socket.getsockname()[1]

    def send(self, data, target):
        self._socket.sendto(data, target)

    def messages(self):
        while True:
            yield self._socket.recvfrom(65536)


class TcpCarrier:
    """A connection that is opened again when the other side closes it, at most `lives` times."""

    def __init__(self, source, lives=50):
        self._source = source
        self._lives = lives
        self._connection = None
        self._changed = threading.Condition()
        self.port = 5060

    def send(self, data, target):
        data = re.sub(rb"SIP/2\.0/UDP", b"SIP/2.0/TCP", data, count=1)
        try:
            self._open(target).sendall(data)
        except OSError:
            self._close()

    def _open(self, target):
        with self._changed:
            if self._connection is None:
                if self._lives == 0:
                    raise OSError("refused too often")
                self._lives -= 1
                connection = socket.create_connection(target, 2, (self._source, 0))
                connection.settimeout(None)
                self._connection, self._target = connection, target
                self._changed.notify_all()
            return self._connection

    def _close(self):
        with self._changed:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def messages(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._connection is not None)
                connection, target = self._connection, self._target
            buffered = b""
            while True:
                try:
                    more = connection.recv(65536)
                except OSError:
                    more = b""
                if not more:
                    break
                buffered += more
                while (end := buffered.find(b"\r\n\r\n")) >= 0:
                    length = _LENGTH.search(buffered, 0, end)
                    end += 4 + (int(length.group(1)) if length else 0)
                    if len(buffered) < end:
                        break
                    yield buffered[:end], target
                    buffered = buffered[end:]
            self._close()


class ToolSocket:
    """What the tool gets instead of its UDP socket: a datagram pair whose other end a thread feeds."""

    def __init__(self, options):
        self._options = options
        self._dress = Dress(options.source) if options.dress else None
        self._near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._carrier = None
        self._sources = []

    def bind(self, address):
        self._carrier = TcpCarrier(self._options.source) if self._options.tcp else \
            UdpCarrier(self._options.source, address[1])
        threading.Thread(target=self._feed, daemon=True).start()

    def _feed(self):
        for data, source in self._carrier.messages():
            text = data.decode("utf-8", "replace")
            if self._dress:
                text = self._dress.incoming(text)
            self._sources.append(source)
            self._far.send(text.encode())

    def sendto(self, data, target):
        text = data.decode()
        if self._dress:
            text = self._dress.outgoing(text, self._carrier.port)
        self._carrier.send(text.encode(), target)
        return len(data)

    def recvfrom(self, size):
        data = self._near.recv(65536)
        return data[:size], self._sources.pop(0)

    def setsockopt(self, *_):
        """svmap asks for broadcast, which one target doesn't need."""

    def settimeout(self, seconds):
        self._near.settimeout(seconds)

    def fileno(self):
        return self._near.fileno()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tcp", action="store_true")
    parser.add_argument("--dress", action="store_true")
    parser.add_argument("--source", required=True)
    parser.add_argument("tool", choices=("svmap", "svwar", "svcrack"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    sys.path.insert(0, "/usr/share/sipvicious")
    tool = importlib.import_module(f"sipvicious.{options.tool}")
    replacement = types.ModuleType("socket")
    replacement.__dict__.update(vars(socket))
    replacement.socket = lambda *_: ToolSocket(options)
    tool.socket = replacement
    sys.argv = [options.tool, *options.arguments]
    tool.main()


if __name__ == "__main__":
    main()
