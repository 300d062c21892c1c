"""What asyncio does with subprocesses, a line each. `src/bin/peer.rs` does the same."""

import asyncio
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT


def say(*words):
    print(*words, flush=True)


def text(data):
    return "-" if data is None else "'" + data.decode().replace("\n", "|") + "'"


async def lines():
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    for line in [b"one\n", b"two words\n", b"\n"]:
        process.stdin.write(line)
        await process.stdin.drain()
        say("line", text(await process.stdout.readline()))
    say("running", process.returncode is None)
    process.stdin.write(b"without an end")
    process.stdin.close()
    await process.stdin.wait_closed()
    say("rest", text(await process.stdout.readline()))
    say("end", text(await process.stdout.readline()), process.stdout.at_eof())
    status = await process.wait()
    say("status", status, process.returncode, await process.wait())


async def communicate():
    for command, given in [
        ("cat", b"hello\n"),
        ("cat", b""),
        ("cat", None),
        ("cat; echo error >&2; exit 5", b"both\n"),
        ("echo unread", b"x" * 1000000),
    ]:
        process = await asyncio.create_subprocess_shell(
            command, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate(given)
        say("communicate", text(out), text(err), process.returncode)
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    out, err = await process.communicate(b"y" * 3000000)
    say("much", len(out), text(err), process.returncode)
    process = await asyncio.create_subprocess_shell(
        "echo out; echo err >&2", stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    say("merged", *map(text, await process.communicate()))
    process = await asyncio.create_subprocess_shell("echo gone", stdout=DEVNULL)
    say("nothing", *map(text, await process.communicate()), process.returncode)


async def kill():
    for number in [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]:
        process = await asyncio.create_subprocess_exec("sleep", "1000")
        process.send_signal(number)
        say("signal", await process.wait())
    for name in ["kill", "terminate"]:
        process = await asyncio.create_subprocess_exec("sleep", "1000")
        getattr(process, name)()
        say(name, await process.wait())
        try:
            getattr(process, name)()
            say("sent")
        except ProcessLookupError:
            say("too late")
    process = await asyncio.create_subprocess_exec("sleep", "1000")
    try:
        await asyncio.wait_for(process.wait(), 0.05)
    except asyncio.TimeoutError:
        say("timed out", process.returncode is None)
    process.kill()
    say("killed", await process.wait())


async def statuses():
    for status in [0, 1, 42, 255, 256]:
        process = await asyncio.create_subprocess_exec("sh", "-c", f"exit {status}")
        say("exit", await process.wait())
    for name in ["TERM", "KILL", "HUP", "PIPE"]:
        process = await asyncio.create_subprocess_shell(f"kill -{name} $$")
        say("by itself", await process.wait())
    starts = [asyncio.create_subprocess_shell(f"exit {n}") for n in range(20)]
    processes = await asyncio.gather(*starts)
    say("all", *await asyncio.gather(*(process.wait() for process in processes)))


async def shell():
    for command in [
        "echo a b | tr a-z A-Z",
        "echo '$HOME'",
        "no-such-command-here",
        "/etc/passwd",
        "cd /; pwd",
        "read line; echo $line",
    ]:
        process = await asyncio.create_subprocess_shell(
            command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
        out, _ = await process.communicate()
        say("shell", text(out), process.returncode)
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/env", stdout=PIPE, env={"COLOUR": "green"}
    )
    say("env", text((await process.communicate())[0]))
    process = await asyncio.create_subprocess_exec("pwd", stdout=PIPE, cwd="/usr")
    say("cwd", text((await process.communicate())[0]))
    process = await asyncio.create_subprocess_shell("umask", stdout=PIPE, umask=0o27)
    say("umask", text((await process.communicate())[0]))


async def errors():
    for program, arguments, cwd in [
        ("/no/such/program", [], None),
        ("no-such-command-here", [], None),
        ("/etc/passwd", [], None),
        ("echo", ["a\0b"], None),
        ("true", [], "/no/such/folder"),
        ("true", ["x" * (4 << 20)], None),
    ]:
        try:
            await asyncio.create_subprocess_exec(program, *arguments, cwd=cwd)
            say("started")
        except FileNotFoundError:
            say("not found")
        except PermissionError:
            say("not permitted")
        except ValueError:
            say("invalid")
        except OSError as error:
            say("error", error.errno)
    process = await asyncio.create_subprocess_shell(
        "echo a line that is too long", stdout=PIPE, limit=8
    )
    try:
        say(text(await process.stdout.readline()))
    except ValueError:
        say("too long")
    say("status", await process.wait())


async def main():
    await lines()
    await communicate()
    await kill()
    await statuses()
    await shell()
    await errors()


asyncio.run(main())
