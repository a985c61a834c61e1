#!/usr/bin/python3
"""An upstream that takes no part: stuck.py ADDRESS PORT deaf|closed.

deaf accepts connections and never reads; closed does not even accept, and its queue is full.
"""

import signal
import socket
import sys


def main():
    address, port, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind((address, port))
    listener.listen(0 if way == "closed" else 64)
    kept = []
    if way == "closed":
        for _ in range(3):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((address, port))
            kept.append(s)
    print("stuck", flush=True)
    while way == "deaf":
        kept.append(listener.accept())
    signal.pause()


if __name__ == "__main__":
    main()
