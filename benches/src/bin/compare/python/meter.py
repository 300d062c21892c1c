"""Laps that are timed as those of the other runtimes are: see ../sample.rs.

Each script beside this file is appended to it and run as one program, with the
size of the work as its argument.
"""

import asyncio
import json
import random
import sys
import time

WARM_UP_NS = 30_000_000
BUDGET_NS = 200_000_000


class Meter:
    """A stopwatch for the wall and the CPU, which knows when it has seen enough."""

    def __init__(self, warm=False):
        self.born = time.perf_counter_ns()
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
        self.warm = self.warm or now - self.born >= WARM_UP_NS

    def answer(self):
        print(json.dumps({
            "ns_per_op": self.wall / self.ops,
            "cpu_ns_per_op": self.cpu / self.ops,
            "ops": self.ops,
        }))


async def laps(lap, ops):
    """The main coroutine is a task already: every lap runs in one."""
    meter = Meter()
    while meter.wants_more():
        meter.start()
        await lap()
        meter.stop(ops)
    meter.answer()


SIZE = int(sys.argv[1])

