"""What asyncio does with signals, a line each. `src/bin/peer.rs` does the same."""

import asyncio
import os
import signal


def say(*words):
    print(*words, flush=True)


async def main():
    loop = asyncio.get_running_loop()
    come = asyncio.Queue()

    def add(number, words):
        try:
            loop.add_signal_handler(number, come.put_nowait, words)
        except (ValueError, RuntimeError):
            say("refused", number)

    def send(number):
        os.kill(os.getpid(), number)

    for number in [signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGTERM]:
        add(number, f"handler of {number:d}")
    for number in [signal.SIGUSR2, signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM] * 3:
        send(number)
        say(await come.get())

    # Several at once: each is seen, in whatever order.
    for number in [signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2]:
        send(number)
    say(*sorted([await come.get() for _ in range(4)]))

    # A handler takes the place of another.
    add(signal.SIGUSR1, "another handler")
    send(signal.SIGUSR1)
    say(await come.get())

    # One that is removed is not called, nor are the others affected.
    say("removed", loop.remove_signal_handler(signal.SIGUSR1))
    say("removed", loop.remove_signal_handler(signal.SIGUSR1))
    say("removed", loop.remove_signal_handler(signal.SIGWINCH))
    send(signal.SIGUSR2)
    say(await come.get(), come.empty())

    # The default of this one is to do nothing.
    add(signal.SIGWINCH, "the window")
    send(signal.SIGWINCH)
    say(await come.get())
    say("removed", loop.remove_signal_handler(signal.SIGWINCH))
    send(signal.SIGWINCH)
    await asyncio.sleep(0.02)
    say("ignored", come.empty())

    # A handler that was removed can be added again.
    add(signal.SIGUSR1, "again")
    send(signal.SIGUSR1)
    say(await come.get())

    # A child ends, and is reaped, while its signal has a handler.
    child = await asyncio.create_subprocess_exec("sleep", "1000")
    child.send_signal(signal.SIGUSR1)
    say("child", await child.wait(), come.empty())

    # A handler removes itself while it is called.
    def once():
        come.put_nowait(f"once {loop.remove_signal_handler(signal.SIGHUP)}")

    loop.add_signal_handler(signal.SIGHUP, once)
    send(signal.SIGHUP)
    say(await come.get())

    for number in [signal.SIGKILL, signal.SIGSTOP, 0, -1, 4000]:
        add(number, "never")

    # Without a handler this one ends the process.
    say("removed", loop.remove_signal_handler(signal.SIGTERM))
    send(signal.SIGTERM)
    await asyncio.sleep(10)
    say("not ended")


asyncio.run(main())
