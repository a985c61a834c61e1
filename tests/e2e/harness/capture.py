"""Packet captures in a namespace (tcpdump) and what the assertions ask of them."""

import collections
import re
import signal
import socket
import struct

from .process import Process, tail

Packet = collections.namedtuple("Packet", "protocol source source_port destination destination_port payload sequence")

_REQUEST = re.compile(rb"(?:^|\r\n\r\n|\n)([A-Z]{3,15}) [^\r\n]+ SIP/2\.0\r\n")


class Capture:
    """Records one interface from construction to stop(). `filter` is a pcap filter, [all UDP and TCP]."""

    def __init__(self, lab, role, directory, filter="udp or tcp", device="eth0"):
        self._file = directory / f"{role}.pcap"
        self._tcpdump = Process(
            f"tcpdump in {role}",
            lab.argv(role, ["tcpdump", "-n", "-p", "-Z", "root", "--immediate-mode", "-U", "-B", "32768", "-s", "0",
                            "-i", device, "-w", self._file, filter]),
            directory / f"{role}.tcpdump.log")
        self._tcpdump.wait_for_text("listening on")

    def stop(self):
        """All packets, in order. Fails when tcpdump lost any: an assertion on a torn capture proves nothing."""
        if self._tcpdump.running():
            self._tcpdump.signal(signal.SIGINT)
            self._tcpdump.wait(20)
        self._tcpdump.stop()
        lost = re.search(r"(\d+) packets? dropped by kernel", self._tcpdump.text())
        if lost is None or int(lost.group(1)) != 0:
            raise AssertionError(f"the capture is incomplete:\n{tail(self._tcpdump.log)}")
        return list(read(self._file))

    def snapshot(self):
        """What is on disk so far; a packet that is just being written is left for the next time."""
        return list(read(self._file))

    def abandon(self):
        self._tcpdump.stop()


def read(path):
    data = path.read_bytes()
    if len(data) < 24:
        return
    if data[:4] != b"\xd4\xc3\xb2\xa1":
        raise AssertionError(f"{path} is no little-endian pcap file")
    offset = 24
    while offset + 16 <= len(data):
        length = struct.unpack_from("<I", data, offset + 8)[0]
        if offset + 16 + length > len(data):
            return
        packet = _ethernet(data[offset + 16:offset + 16 + length])
        offset += 16 + length
        if packet:
            yield packet


def _ethernet(frame):
    kind = int.from_bytes(frame[12:14], "big")
    if kind == 0x0800:
        header = (frame[14] & 15) * 4
        total = int.from_bytes(frame[16:18], "big")
        fragment = int.from_bytes(frame[20:22], "big") & 0x1fff
        if fragment:
            return None
        source, destination = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
        return _transport(frame[23], source, destination, frame[14 + header:14 + total])
    if kind == 0x86dd:
        source = socket.inet_ntop(socket.AF_INET6, frame[22:38])
        destination = socket.inet_ntop(socket.AF_INET6, frame[38:54])
        return _transport(frame[20], source, destination, frame[54:54 + int.from_bytes(frame[18:20], "big")])
    return None


def _transport(number, source, destination, data):
    if number == 17 and len(data) >= 8:
        ports = struct.unpack("!HH", data[:4])
        return Packet("udp", source, ports[0], destination, ports[1], data[8:], 0)
    if number == 6 and len(data) >= 20:
        ports = struct.unpack("!HH", data[:4])
        return Packet("tcp", source, ports[0], destination, ports[1], data[(data[12] >> 4) * 4:],
                      int.from_bytes(data[4:8], "big"))
    return None


def requests(packets, destination, marker):
    """Requests sent to `destination` that hold `marker` (bytes), whatever the transport and the segments.

    TCP retransmissions count once; a UDP datagram counts as often as it came.
    """
    found = [p.payload for p in packets if p.protocol == "udp" and p.destination == destination and
             marker in p.payload]
    streams = collections.defaultdict(dict)
    for p in packets:
        if p.protocol == "tcp" and p.destination == destination and p.payload:
            streams[(p.source, p.source_port, p.destination_port)][p.sequence] = p.payload
    for segments in streams.values():
        stream = b"".join(segments[s] for s in sorted(segments))
        starts = [m.start(1) for m in _REQUEST.finditer(stream)] or ([0] if marker in stream else [])
        for start, end in zip(starts, [*starts[1:], len(stream)]):
            if marker in stream[start:end]:
                found.append(stream[start:end])
    return found


def carrying(packets, destination, marker):
    """How many packets to `destination` hold `marker` or belong to a TCP connection that ever carried it."""
    flows = {(p.source, p.source_port) for p in packets
             if p.protocol == "tcp" and p.destination == destination and marker in p.payload}
    return sum(1 for p in packets if p.destination == destination and
               (marker in p.payload if p.protocol == "udp" else (p.source, p.source_port) in flows))


def strangers(packets, here, friends):
    """Source addresses other than `friends` that sent anything to `here`."""
    return sorted({p.source for p in packets if p.destination == here and p.source not in friends})
