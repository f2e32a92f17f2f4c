#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""download.py ADDRESS PORT SILENCE: reads http://ADDRESS:PORT/download until it is cut and says when the last byte
came. Lines on stdout: "flowing" after the first megabyte, "more" every half second in which
bytes come, then at the end
"end LAST_BYTE BYTES HOW" with LAST_BYTE in nanoseconds of CLOCK_MONOTONIC, which all namespaces share; HOW is
"reset", "closed" or "silent" (nothing for SILENCE seconds)."""
import socket
import sys
import time


def read_until_cut(s):
    last, total, told = time.monotonic_ns(), 0, 0
    while True:
        try:
            n = len(s.recv(1 << 16))
        except TimeoutError:
            return last, total, "silent"
        except OSError:
            return last, total, "reset"
        if not n:
            return last, total, "closed"
        last, total = time.monotonic_ns(), total + n
        if total > 1_000_000 and last - told > 500_000_000:
            print("more" if told else "flowing", flush=True)
            told = last


def main():
    address, port, silence = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    s = socket.create_connection((address, port), timeout=10)
    s.sendall(b"GET /download HTTP/1.1\r\nHost: wiki\r\n\r\n")
    s.settimeout(silence)
    print("end", *read_until_cut(s), flush=True)


if __name__ == "__main__":
    main()
