"""Prints the public names of asyncio, a line each."""

import asyncio
import warnings

warnings.simplefilter("ignore")

CLASSES = (
    "Task Future Queue Lock Event Condition Semaphore BoundedSemaphore Barrier Runner TaskGroup "
    "Timeout StreamReader StreamWriter Server Handle TimerHandle"
)


def show(owner, names):
    for name in names:
        if not name.startswith("_"):
            print(f"{owner}.{name}")


show("asyncio", asyncio.__all__)
show("loop", dir(asyncio.AbstractEventLoop))
show("Process", vars(asyncio.subprocess.Process))
for name in CLASSES.split():
    show(name, vars(getattr(asyncio, name)))
