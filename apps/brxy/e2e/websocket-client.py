"""Talks to an echoing WebSocket server at the URL that is given, and prints what it found as JSON."""
import asyncio
import json
import sys

import websockets


async def main():
    async with websockets.connect(sys.argv[1], subprotocols=["chat.v1", "chat.v2"], max_size=None) as socket:
        await socket.send("grüße")
        text = await socket.recv()
        sent = bytes(range(256)) * 4096
        await socket.send(sent)
        received = await socket.recv()
        # Both must be answered while the other waits.
        pong = await socket.ping()
        await asyncio.wait_for(pong, 10)
        await socket.send("close 4002 done")
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            close = [closed.rcvd.code, closed.rcvd.reason]
    return {
        "text": text,
        "isSame": received == sent,
        "protocol": socket.subprotocol,
        "close": close,
    }


print(json.dumps(asyncio.run(main())))
