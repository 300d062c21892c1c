"""What comes before every program here: the oldest Python that will do, and a loop whose time jumps."""

import asyncio
import sys

if sys.version_info < (3, 11):
    sys.exit(77)


def loop_with_still_clock():
    """A loop whose time jumps to the next timer when nothing is ready."""
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


