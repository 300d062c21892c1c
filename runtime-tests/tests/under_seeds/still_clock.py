"""The common head of the programs: checks the version of Python, makes paused loops."""

import asyncio
import sys

if sys.version_info < (3, 11):
    sys.exit(77)


def loop_with_still_clock():
    """Returns a loop whose clock is paused, and jumps to the next timer when nothing is ready."""
    loop = asyncio.SelectorEventLoop()
    now = 0.0
    select = loop._selector.select

    def jump(timeout=None):
        nonlocal now
        now += timeout or 0
        return select(0)

    loop._selector.select = jump
    loop.time = lambda: now
    return loop


