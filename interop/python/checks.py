"""What the Python clients share: payloads, and how results are told.

Each check prints one line, `ok NAME` or `FAIL NAME: why`, which `cargo xtask`
reads; see interop/README.md.
"""

import asyncio
import sys

TIMEOUT = 20
MIB = 1 << 20
SIZES = (125, 126, 127, 65535, 65536)
UNICODE = "aß水🍣 e\u0301 👩‍👩‍👧 \0\ufffd\U0010ffff"
REASON = "längster Grund: " + "g" * 106  # 123 bytes, the most a Close frame takes.

failures = 0


def pattern(length):
    """Bytes whose value depends on their position, so that a shift or a swap shows."""
    return bytes((i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xFF for i in range(length))


def pipelined():
    """Messages of both kinds and many lengths, to be sent before the first is read."""
    return [
        f"message {i} " + "x" * (i * 7) if i % 2 else pattern(i * 11) for i in range(500)
    ]


def echoes():
    """The messages that only have to come back, by the name of their check."""
    yield "text", "Hello, stranger"
    yield "binary", pattern(256)
    yield "empty-text", ""
    yield "empty-binary", b""
    for size in SIZES:
        yield f"size-{size}", pattern(size)
    yield "16-mib", pattern(MIB) * 16
    yield "unicode", UNICODE * 4000


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def expect_same(received, sent):
    expect(
        type(received) is type(sent) and len(received) == len(sent),
        f"{type(received).__name__} of {len(received)} came back for "
        f"{type(sent).__name__} of {len(sent)}",
    )
    expect(received == sent, "the content differs")


async def check(name, body):
    """Runs one check, and tells how it ended."""
    global failures
    try:
        await asyncio.wait_for(body, TIMEOUT)
    except Exception as error:  # Whatever a library raises is the check's failure.
        failures += 1
        why = f"{type(error).__name__}: {error}".replace("\n", " | ")
        print(f"FAIL {name}: {why}", flush=True)
    else:
        print(f"ok {name}", flush=True)


def ask_for_shutdown():
    print("await shutdown", flush=True)


def finish():
    sys.exit(1 if failures else 0)
