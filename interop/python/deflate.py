"""Longwire's DEFLATE engine against zlib, both ways: deflate.py TESTEE...

TESTEE is the command of `interop-testee deflate`. Every case is random, from a
seed that is printed when it fails.
"""

import random
import subprocess
import sys
import zlib

CASES = 400


def message(rng):
    kind = rng.randrange(4)
    length = rng.choice([1, 2, 10, 200, 3000, 40_000])
    if kind == 0:
        return rng.randbytes(length)
    if kind == 1:
        return bytes(rng.choices(b"abc", k=length))
    if kind == 2:
        record = b'{"id":%d,"name":"%s"},' % (rng.randrange(10**9), rng.randbytes(4).hex().encode())
        return (record * (length // len(record) + 1))[:length]
    return bytes([rng.randrange(256)]) * length


def ask(testee, *words):
    testee.stdin.write(" ".join(map(str, words)) + "\n")
    testee.stdin.flush()
    answer = testee.stdout.readline()
    if not answer:
        raise SystemExit("FAIL the testee gave up")
    return [bytes.fromhex(part) for part in answer.rstrip("\n").split(" ")]


def ours_in_theirs(testee, rng, messages):
    bits, level = rng.randrange(8, 16), rng.randrange(1, 10)
    compressed = ask(testee, "deflate", bits, level, *(m.hex() for m in messages))
    # With 8 bits too: no more than was agreed on may be needed.
    decompressor = zlib.decompressobj(-bits)
    for message, part in zip(messages, compressed, strict=True):
        assert part.endswith(b"\x00\x00\xff\xff"), "the tail is missing"
        # Byte by byte, so that only the window helps.
        got = b"".join(decompressor.decompress(part[i : i + 1]) for i in range(len(part)))
        assert got == message, f"{bits} bits, level {level}"


def theirs_in_ours(testee, rng, messages):
    strategy = rng.choice([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE])
    options = (rng.randrange(0, 10), zlib.DEFLATED, -rng.randrange(9, 16), rng.randrange(1, 10), strategy)
    compressor = zlib.compressobj(*options)
    compressed = []
    for message in messages:
        part = b""
        cut = rng.randrange(len(message) + 1)
        part += compressor.compress(message[:cut])
        part += compressor.flush(rng.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH]))
        part += compressor.compress(message[cut:])
        if rng.randrange(4) == 0:
            # A final block, and another stream after it.
            part += compressor.flush(zlib.Z_FINISH) + b"\x00\x00\x00\xff\xff"
            compressor = zlib.compressobj(*options)
        else:
            part += compressor.flush(zlib.Z_SYNC_FLUSH)
        compressed.append(part.hex())
    assert ask(testee, "inflate", *compressed) == messages, f"{options}"


def main():
    testee = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    first = random.SystemRandom().randrange(2**32)
    for seed in range(first, first + CASES):
        rng = random.Random(seed)
        messages = [message(rng) for _ in range(rng.randrange(1, 5))]
        for check in (ours_in_theirs, theirs_in_ours):
            try:
                check(testee, rng, messages)
            except AssertionError as error:
                raise SystemExit(f"FAIL {check.__name__}, seed {seed}: {error}") from None
    testee.stdin.close()
    if testee.wait() != 0:
        raise SystemExit("FAIL the testee's exit")
    print(f"{CASES} cases with zlib {zlib.ZLIB_RUNTIME_VERSION}, both ways")


main()
