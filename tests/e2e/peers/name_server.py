#!/usr/bin/python3
"""A name server that says what it is told to: name_server.py ADDRESS PORT ZONE.

ZONE is a JSON file that is read again for each question, so a test changes it by replacing it:
    {"how": "answer", "records": {"trunk.test": [["A", 1, "192.0.2.1"], ["SRV", 1, [0, 5, 5060, "a.trunk.test"]]]}}
`how` is answer, refuse (SERVFAIL), silent, or forge: an answer with another number and another address goes first.
A name without records does not exist. Answers too long for UDP are cut off and had over TCP, as RFC 7766 wants it.
"""

import json
import pathlib
import socket
import struct
import sys
import threading

TYPES = {"A": 1, "AAAA": 28, "SRV": 33}


def name_octets(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_question(message):
    """Name, type, and the octets of the question."""
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode().lower())
        at += 1 + message[at]
    return ".".join(labels), struct.unpack_from("!H", message, at + 1)[0], message[12:at + 5]


def data(kind, value):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    priority, weight, port, target = value
    return struct.pack("!HHH", priority, weight, port) + name_octets(target)


def answers(zone, message, limit):
    """What to send, in order."""
    how = zone.get("how", "answer")
    name, wanted, question = read_question(message)
    print(how, name, wanted, flush=True)
    if how == "silent":
        return []
    records = zone["records"].get(name)
    status = 2 if how == "refuse" else 3 if records is None else 0
    body, count = b"", 0
    for kind, ttl, value in records if status == 0 else ():
        if TYPES[kind] == wanted:
            octets = data(kind, value)
            body += b"\xc0\x0c" + struct.pack("!HHIH", wanted, 1, ttl, len(octets)) + octets
            count += 1
    head = struct.pack("!HHHHH", 0x8180 | status, 1, count, 0, 0)
    answer = message[:2] + head + question + body
    if len(answer) > limit:
        answer = message[:2] + struct.pack("!HHHHH", 0x8380, 1, 0, 0, 0) + question
    if how != "forge":
        return [answer]
    forged = bytearray(answer)
    forged[0] ^= 0x55
    if count:
        forged[-1] ^= 0xFF
    return [bytes(forged), answer]


def serve_tcp(listener, zone):
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            try:
                size = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))[0]
                for answer in answers(zone(), connection.recv(size, socket.MSG_WAITALL), 65535):
                    connection.sendall(struct.pack("!H", len(answer)) + answer)
            except (OSError, struct.error):
                pass


def main():
    address, port, path = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])

    def zone():
        return json.loads(path.read_text())
    listener = socket.create_server((address, port))
    threading.Thread(target=serve_tcp, args=(listener, zone), daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, port))
        print("ready", flush=True)
        while True:
            message, client = server.recvfrom(4096)
            if len(message) >= 17:
                for answer in answers(zone(), message, 512):
                    server.sendto(answer, client)


if __name__ == "__main__":
    main()
