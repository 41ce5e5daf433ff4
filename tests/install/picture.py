#!/usr/bin/env python3
"""Writes a small grey-ramp PNG, so that the example has something to look at: picture.py FILE."""
import struct
import sys
import zlib

SIDE = 64
rows = b"".join(b"\0" + bytes((x * 3 + y) % 256 for x in range(SIDE) for _ in range(3)) for y in range(SIDE))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


with open(sys.argv[1], "wb") as f:
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
