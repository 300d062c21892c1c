"""Echoes over TCP until its input ends, with the streams that users write with.

Its argument is the event loop, asyncio or uvloop; then may follow what is echoed: lines or blocks.
"""

import asyncio
import socket
import sys

BLOCK = 64 << 10


async def read(reader):
    match what:
        case "lines":
            return await reader.readline()
        case "blocks":
            try:
                return await reader.readexactly(BLOCK)
            except asyncio.IncompleteReadError:
                return b""
        case _:
            return await reader.read(4096)


async def echo(reader, writer):
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := await read(reader):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, ended.set)
    await ended.wait()
    # Not the end of `main`, which waits for connections.
    sys.exit()


event_loop, *rest = sys.argv[1].split()
what = rest[0] if rest else None
if event_loop == "uvloop":
    import uvloop

    uvloop.run(main())
else:
    asyncio.run(main())
