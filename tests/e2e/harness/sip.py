"""A tiny SIP client for single messages: sends what it is given, reads one answer. Calls are SIPp's business."""

import hashlib
import itertools
import os
import re
import socket

_counter = itertools.count(1)


class Client:
    """One UDP socket or TCP connection. Make it inside the namespace that it shall speak from."""

    def __init__(self, transport, address, target, timeout=3.0, port=0):
        self._transport = transport
        self._target = target
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.settimeout(timeout)
        self._socket.bind((address, port))
        self._socket.connect(target)
        self.address, self.port = self._socket.getsockname()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def request(self, method, uri, user="501", headers=(), body=b""):
        token = f"{os.getpid():x}{next(_counter):x}"
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/{self._transport.upper()} {self.address}:{self.port};branch=z9hG4bKe{token};rport",
                 "Max-Forwards: 70", f"From: <sip:{user}@pbx.test>;tag=t{token}", f"To: <sip:{user}@pbx.test>",
                 f"Call-ID: c{token}@{self.address}", f"CSeq: 1 {method}",
                 f"Contact: <sip:{user}@{self.address}:{self.port};transport={self._transport}>",
                 *headers, f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def send(self, data):
        self._socket.sendall(data)

    def receive(self, seconds):
        """The next datagram or read; None when nothing came, b"" when the peer closed the connection."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(65536)
        except socket.timeout:
            return None
        except ConnectionError:
            return b"" if self._transport == "tcp" else None

    def ask(self, data, seconds=3.0):
        """Sends a request and returns the status of the first answer, or None."""
        try:
            self.send(data)
        except ConnectionError:
            return None
        return status(self.receive(seconds))

    def register(self, user, password, seconds=3.0):
        """Answers the challenge to a REGISTER with digest. Returns the last status, or None."""
        request = self.request("REGISTER", "sip:pbx.test", user, headers=["Expires: 600"])
        try:
            self.send(request)
            answer = self.receive(seconds)
            if status(answer) != 401:
                return status(answer)
            nonce = re.search(rb'nonce="([^"]+)"', answer).group(1).decode()
            secret = _md5(f"{_md5(f'{user}:pbx.test:{password}')}:{nonce}:{_md5('REGISTER:sip:pbx.test')}")
            credentials = (f'Authorization: Digest username="{user}", realm="pbx.test", nonce="{nonce}", '
                           f'uri="sip:pbx.test", response="{secret}"')
            self.send(self.request("REGISTER", "sip:pbx.test", user, headers=["Expires: 600", credentials]))
            return status(self.receive(seconds))
        except ConnectionError:
            return None


def status(answer):
    """Of what was received; None for anything but an answer."""
    return int(answer[8:11]) if answer and answer.startswith(b"SIP/2.0 ") else None


def _md5(text):
    return hashlib.md5(text.encode()).hexdigest()
