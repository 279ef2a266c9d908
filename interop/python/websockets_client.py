"""Longwire's server against `websockets`: websockets_client.py ECHO_URL CHOOSY_URL"""

import asyncio
import sys
from urllib.parse import urlsplit

from websockets.asyncio.client import connect as connect_with_defaults
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode

from checks import (
    MIB,
    REASON,
    UNICODE,
    ask_for_shutdown,
    check,
    echoes,
    expect,
    expect_same,
    finish,
    pattern,
    pipelined,
)

ECHO, CHOOSY = sys.argv[1:]


def connect(url=ECHO, **options):
    return connect_with_defaults(url, max_size=32 * MIB, proxy=None, **options)


async def echo(message):
    async with connect() as websocket:
        await websocket.send(message)
        expect_same(await websocket.recv(), message)


async def fragmented():
    async with connect() as websocket:
        text = UNICODE.encode()
        # Cut inside characters.
        await websocket.send([text[:2], text[2:5], text[5:]], text=True)
        expect_same(await websocket.recv(), UNICODE)

        async def with_ping_between():
            yield payload[:1]
            await websocket.ping("between")
            yield b""
            yield payload[1:]

        payload = pattern(70_000)
        await websocket.send(with_ping_between())
        expect_same(await websocket.recv(), payload)


async def ping():
    async with connect() as websocket:
        pong = await websocket.ping("are you there?")
        await pong


async def keeps_order():
    messages = pipelined()
    async with connect() as websocket:

        async def send_all():
            for message in messages:
                await websocket.send(message)

        sending = asyncio.create_task(send_all())
        for message in messages:
            expect_same(await websocket.recv(), message)
        await sending


async def permessage_deflate():
    async with connect() as websocket:
        names = [extension.name for extension in websocket.protocol.extensions]
        expect(names == ["permessage-deflate"], f"agreed on {names}")
        for message in ["compressed " * 10_000, pattern(100_000)]:
            await websocket.send(message)
            expect_same(await websocket.recv(), message)


async def subprotocol(url, offers, expected):
    async with connect(url, subprotocols=offers) as websocket:
        expect(websocket.subprotocol == expected, f"selected {websocket.subprotocol!r}")


async def expect_close(websocket, code):
    try:
        message = await websocket.recv()
    except ConnectionClosed as closed:
        expect(closed.rcvd is not None, "the connection was not closed cleanly")
        expect(closed.rcvd.code == code, f"close code {closed.rcvd.code}")
    else:
        raise AssertionError(f"received {message!r}")


async def close(sent, reason=""):
    async with connect() as websocket:
        await websocket.close(sent, reason)
        expected = CloseCode.NO_STATUS_RCVD if sent is None else sent
        expect(websocket.close_code == expected, f"close code {websocket.close_code}")


async def server_close_1007():
    async with connect() as websocket:
        await websocket.send(b"\x48\xff", text=True)
        await expect_close(websocket, 1007)


async def own_origin_accepted():
    async with connect(origin=f"http://{urlsplit(ECHO).netloc}"):
        pass


async def foreign_origin_refused():
    try:
        async with connect(origin="https://elsewhere.example"):
            pass
    except InvalidStatus as refused:
        status = refused.response.status_code
        expect(status == 403, f"status {status}")
    else:
        raise AssertionError("the server let it in")


async def server_going_away_1001():
    async with connect() as websocket:
        await websocket.send("still here")
        expect_same(await websocket.recv(), "still here")
        ask_for_shutdown()
        await expect_close(websocket, 1001)


async def main():
    for name, message in echoes():
        await check(name, echo(message))
    await check("fragmented", fragmented())
    await check("ping", ping())
    await check("pipelined", keeps_order())
    await check("permessage-deflate", permessage_deflate())
    await check("subprotocol-first-offer", subprotocol(ECHO, ["chat.v9", "chat.v1"], "chat.v9"))
    await check("subprotocol-configured", subprotocol(CHOOSY, ["chat.v9", "chat.v1"], "chat.v1"))
    await check("close-1000", close(1000))
    await check("close-3000", close(3000, REASON))
    await check("close-4999", close(4999, "bye"))
    await check("close-without-code", close(None))
    await check("server-close-1007", server_close_1007())
    await check("own-origin-accepted", own_origin_accepted())
    await check("foreign-origin-refused", foreign_origin_refused())
    await check("server-going-away-1001", server_going_away_1001())


asyncio.run(main())
finish()
