"""A server that makes the reads and writes that its client asks for, and tells what came of them."""

import asyncio
import sys

LIMIT = 64
MARK = b"#\n"


async def perform(reader, writer, kind, arguments):
    match kind:
        case "line":
            return (await reader.readline()).hex()
        case "exactly":
            return (await reader.readexactly(int(arguments[0]))).hex()
        case "until":
            return (await reader.readuntil(bytes.fromhex(arguments[0]))).hex()
        case "any":
            separators = tuple(bytes.fromhex(part) for part in arguments)
            return (await reader.readuntil(separators)).hex()
        case "read":
            wanted, got = int(arguments[0]), b""
            while len(got) < wanted and (more := await reader.read(wanted - len(got))):
                got += more
            return got.hex()
        case "all":
            return str(len(await reader.read()))
        case "send":
            writer.write(b"s" * int(arguments[0]))
            await writer.drain()
            return "sent"
        case "lines":
            writer.writelines([b"one,", b"", b"two,", b""])
            return "written"


async def skip(reader):
    """Reads up to the mark. Returns how many bytes."""
    skipped = 0
    while True:
        try:
            return skipped + len(await reader.readuntil(MARK)) - len(MARK)
        except asyncio.LimitOverrunError as error:
            skipped += len(await reader.readexactly(error.consumed))
        except asyncio.IncompleteReadError as error:
            return skipped + len(error.partial)


async def serve(reader, writer):
    while command := (await reader.readline()).decode().split():
        kind, *arguments = command
        if kind == "abort":
            writer.transport.abort()
            return
        if kind == "close":
            break
        if kind == "eof":
            writer.write(b"no more\n")
            writer.write_eof()
            await reader.read()
            break
        try:
            answer = await perform(reader, writer, kind, arguments)
        except asyncio.IncompleteReadError as error:
            answer = f"incomplete: {error.partial.hex()}: {error}"
        except asyncio.LimitOverrunError as error:
            answer = f"overrun: {error.consumed}: {error}"
        except ValueError as error:
            answer = f"value: {error}"
        skipped = await skip(reader)
        writer.write(f"{kind}: {answer}, skipped {skipped}\n".encode())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main():
    if sys.argv[1] == "tcp":
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=LIMIT)
        print(server.sockets[0].getsockname()[1], flush=True)
    else:
        server = await asyncio.start_unix_server(serve, sys.argv[1], limit=LIMIT)
        print(sys.argv[1], flush=True)
    # Ends when its standard input does.
    await asyncio.to_thread(sys.stdin.read)
    server.close()


asyncio.run(main())
