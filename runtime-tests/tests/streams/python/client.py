"""A client that follows a seed: what it asks for, and what it gets."""

import asyncio
import random
import sys

STEPS = 200
LIMIT = 4 << 20
LETTERS = b"aabb\r\n;"
SEPARATORS = [b"\n", b"\r\n", b"ab", b"bab", b";", b"aab"]


def letters(count):
    return bytes(random.choices(LETTERS, k=count))


async def connect():
    address = sys.argv[1]
    if address.isdigit():
        return await asyncio.open_connection("127.0.0.1", int(address), limit=LIMIT)
    return await asyncio.open_unix_connection(address, limit=LIMIT)


def some_read():
    """A read, and bytes for it."""
    # Mostly within the server's limit, at times above it.
    payload = letters(random.choice([0, 5, 30, 60, 64, 65, 66, 100, 300]))
    match random.randrange(5):
        case 0:
            return "line", payload + b"\n"
        case 1:
            return f"exactly {random.randrange(len(payload) + 1)}", payload
        case 2:
            separator = random.choice(SEPARATORS)
            return f"until {separator.hex()}", payload + separator
        case 3:
            some = random.sample(SEPARATORS, random.randrange(1, 4))
            return "any " + " ".join(part.hex() for part in some), payload + some[0]
        case _:
            return f"read {random.randrange(len(payload) + 1)}", payload


async def ask(reader, writer, command, payload):
    # One write, so that the server gets it in one piece.
    writer.write(command.encode() + b"\n" + payload + b"#\n")
    await writer.drain()
    print(command, "->", (await reader.readline()).decode().strip())


async def large(reader, writer):
    """More than the limit, in many pieces."""
    size = random.randrange(1000, 300_000)
    kind = random.choice(["exactly", "read"])
    writer.write(f"{kind} {size}\n".encode())
    payload = b"xy" * (size // 2) + b"x" * (size % 2)
    while payload:
        cut = random.randrange(1, 70_000)
        writer.write(payload[:cut])
        payload = payload[cut:]
        await writer.drain()
    writer.write(b"#\n")
    kind, answer = (await reader.readuntil(b", ")).split()
    print(kind, len(answer), (await reader.readline()).decode().strip())


async def early_end(reader, writer):
    """The writes end in the middle of a read."""
    command, payload = some_read()
    writer.write(command.encode() + b"\n" + payload)
    writer.write_eof()
    print("end in", command, "->", await reader.read())


async def step(reader, writer):
    """One step. Returns whether the connection goes on."""
    choice = random.randrange(20)
    if choice < 12:
        await ask(reader, writer, *some_read())
    elif choice < 14:
        await large(reader, writer)
    elif choice < 15:
        size = random.randrange(1, 400_000)
        writer.write(f"send {size}\n#\n".encode())
        print("send", len(await reader.readexactly(size)), await reader.readline())
    elif choice < 16:
        writer.write(b"lines\n#\n")
        print("lines", await reader.readline())
    elif choice < 17:
        await early_end(reader, writer)
        return False
    elif choice < 18:
        payload = letters(random.randrange(100_000))
        writer.write(b"all\n" + payload)
        writer.write_eof()
        print("all", await reader.read())
        return False
    else:
        command = random.choice(["abort", "close", "eof"])
        writer.write(command.encode() + b"\n")
        print(command, await reader.read(), reader.at_eof())
        if command == "eof":
            writer.write(b"x" * 1000)
            await writer.drain()
        return False
    return True


async def main():
    random.seed(int(sys.argv[2]))
    reader, writer = await connect()
    for _ in range(STEPS):
        if not await step(reader, writer):
            writer.close()
            await writer.wait_closed()
            reader, writer = await connect()
    writer.close()


asyncio.run(main())
