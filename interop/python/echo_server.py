"""An echo server on `websockets`, for Longwire's client to talk to.

echo_server.py echo --listen 127.0.0.1:PORT [--subprotocol NAME]...

A path of /close/CODE makes it close at once with that code, or with none.
"""

import argparse
import asyncio
import signal

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["echo"])
parser.add_argument("--listen", default="127.0.0.1:0")
parser.add_argument("--subprotocol", action="append", default=[])
options = parser.parse_args()


def select_subprotocol(_connection, offers):
    accepted = [o for o in offers if not options.subprotocol or o in options.subprotocol]
    return accepted[0] if accepted else None


async def echo(websocket):
    _, _, code = websocket.request.path.partition("/close/")
    if code:
        if code == "none":
            await websocket.close(None)
        else:
            await websocket.close(int(code), "as you asked")
        return
    try:
        async for message in websocket:
            await websocket.send(message)
    except ConnectionClosed:
        pass  # The peer left in the middle of an echo.


async def main():
    host, port = options.listen.split(":")
    stopped = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set_result, None)
    async with serve(
        echo,
        host,
        int(port),
        max_size=64 << 20,
        select_subprotocol=select_subprotocol,
    ) as server:
        print(f"ws://{host}:{server.sockets[0].getsockname()[1]}", flush=True)
        await stopped


asyncio.run(main())
