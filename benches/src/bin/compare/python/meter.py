"""Times laps in the same way as for the other runtimes: see ../sample.rs.

Each of the other scripts is appended to this file and run as one program, with
the size of the work as its argument.
"""

import asyncio
import json
import random
import sys
import time

WARM_UP_NS = 30_000_000
BUDGET_NS = 200_000_000


class Meter:
    """A stopwatch for wall time and CPU time, which decides when there are enough laps."""

    def __init__(self, warm=False):
        self.created = time.perf_counter_ns()
        self.warm = warm
        self.wall = self.cpu = self.ops = 0

    def wants_more(self):
        return self.wall < BUDGET_NS

    def start(self):
        self.begin = time.perf_counter_ns(), time.process_time_ns()

    def stop(self, ops):
        now = time.perf_counter_ns()
        wall, cpu = self.begin
        if self.warm:
            self.cpu += time.process_time_ns() - cpu
            self.wall += now - wall
            self.ops += ops
        self.warm = self.warm or now - self.created >= WARM_UP_NS

    def answer(self):
        print(json.dumps({
            "ns_per_op": self.wall / self.ops,
            "cpu_ns_per_op": self.cpu / self.ops,
            "ops": self.ops,
        }))


async def laps(lap, ops):
    """Runs the laps in the main coroutine, which is a task."""
    meter = Meter()
    while meter.wants_more():
        meter.start()
        await lap()
        meter.stop(ops)
    meter.answer()


SIZE = int(sys.argv[1])

