"""Longwire's server against aiohttp: aiohttp_client.py ECHO_URL CHOOSY_URL"""

import asyncio
import sys
from urllib.parse import urlsplit

from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from checks import (
    MIB,
    REASON,
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


def connect(session, url=ECHO, **options):
    # Not offered by default.
    return session.ws_connect(url, max_msg_size=32 * MIB, compress=15, **options)


async def send(websocket, message):
    if isinstance(message, str):
        await websocket.send_str(message)
    else:
        await websocket.send_bytes(message)


async def expect_echo(websocket, sent):
    received = await websocket.receive()
    expect(received.type in (WSMsgType.TEXT, WSMsgType.BINARY), f"received {received!r:.200}")
    expect_same(received.data, sent)


async def echo(session, message):
    async with connect(session) as websocket:
        await send(websocket, message)
        await expect_echo(websocket, message)


async def ping(session):
    async with connect(session, autoping=False) as websocket:
        await websocket.ping(b"are you there?")
        pong = await websocket.receive()
        expect(pong.type is WSMsgType.PONG, f"received {pong!r}")
        expect(bytes(pong.data) == b"are you there?", f"the pong carried {pong.data!r}")


async def keeps_order(session):
    messages = pipelined()
    async with connect(session) as websocket:

        async def send_all():
            for message in messages:
                await send(websocket, message)

        sending = asyncio.create_task(send_all())
        for message in messages:
            await expect_echo(websocket, message)
        await sending


async def permessage_deflate(session):
    async with connect(session) as websocket:
        expect(websocket.compress != 0, "it was declined")
        for message in ["compressed " * 10_000, pattern(100_000)]:
            await send(websocket, message)
            await expect_echo(websocket, message)


async def subprotocol(session, url, offers, expected):
    async with connect(session, url, protocols=offers) as websocket:
        expect(websocket.protocol == expected, f"selected {websocket.protocol!r}")


async def expect_close(websocket, code):
    message = await websocket.receive()
    expect(message.type is WSMsgType.CLOSE, f"received {message!r}")
    expect(message.data == code, f"close code {message.data}")


async def close(session, sent, reason=""):
    async with connect(session) as websocket:
        await websocket.close(code=sent, message=reason.encode())
        expect(websocket.close_code == sent, f"close code {websocket.close_code}")


async def close_without_code(session):
    async with connect(session, autoclose=False) as websocket:
        await websocket.send_frame(b"", WSMsgType.CLOSE)
        message = await websocket.receive()
        expect(message.type is WSMsgType.CLOSE, f"received {message!r}")
        # aiohttp shows a Close frame without a code as 0.
        expect(message.data == 0, f"close code {message.data}")


async def server_close_1007(session):
    async with connect(session) as websocket:
        await websocket.send_frame(b"\x48\xff", WSMsgType.TEXT)
        await expect_close(websocket, 1007)


async def own_origin_accepted(session):
    async with connect(session, origin=f"http://{urlsplit(ECHO).netloc}"):
        pass


async def foreign_origin_refused(session):
    try:
        async with connect(session, origin="https://elsewhere.example"):
            pass
    except WSServerHandshakeError as refused:
        expect(refused.status == 403, f"status {refused.status}")
    else:
        raise AssertionError("the server let it in")


async def server_going_away_1001(session):
    async with connect(session) as websocket:
        await websocket.send_str("still here")
        await expect_echo(websocket, "still here")
        ask_for_shutdown()
        await expect_close(websocket, 1001)


async def main():
    async with ClientSession() as session:
        for name, message in echoes():
            await check(name, echo(session, message))
        await check("ping", ping(session))
        await check("pipelined", keeps_order(session))
        offers = ["chat.v9", "chat.v1"]
        await check("permessage-deflate", permessage_deflate(session))
        await check("subprotocol-first-offer", subprotocol(session, ECHO, offers, "chat.v9"))
        await check("subprotocol-configured", subprotocol(session, CHOOSY, offers, "chat.v1"))
        await check("close-1000", close(session, 1000))
        await check("close-3000", close(session, 3000, REASON))
        await check("close-4999", close(session, 4999, "bye"))
        await check("close-without-code", close_without_code(session))
        await check("server-close-1007", server_close_1007(session))
        await check("own-origin-accepted", own_origin_accepted(session))
        await check("foreign-origin-refused", foreign_origin_refused(session))
        await check("server-going-away-1001", server_going_away_1001(session))


asyncio.run(main())
finish()
