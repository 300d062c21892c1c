"""Runs programs, one per line, and prints in which order asyncio takes their steps."""

class World:
    def __init__(self, tasks, callbacks, futures):
        loop = asyncio.get_running_loop()
        self.task_steps = tasks
        self.callback_steps = callbacks
        self.futures = [loop.create_future() for _ in range(futures)]
        self.tasks = [None] * len(tasks)
        self.notes = []

    def note(self, *parts):
        self.notes.append(".".join(map(str, parts)))

    def callback(self, number, *_):
        self.note("c", number)
        for step in self.callback_steps[number]:
            step(self)

    async def task(self, number):
        for place, step in enumerate(self.task_steps[number]):
            self.note("t", number, place)
            waits = step(self)
            if waits is not None:
                await waits
        self.note("t", number, "end")

    def set(self, future):
        if not self.futures[future].done():
            self.futures[future].set_result(None)


def spawn(world, task):
    if world.tasks[task] is None:
        world.tasks[task] = asyncio.create_task(world.task(task))


def on_task(world, task, callback):
    if world.tasks[task] is not None:
        world.tasks[task].add_done_callback(lambda _: world.callback(callback))


Yield = lambda world: asyncio.sleep(0)
Sleep = lambda nanoseconds: lambda world: asyncio.sleep(nanoseconds * 1e-9)
AwaitTask = lambda task: lambda world: world.tasks[task]
AwaitFuture = lambda future: lambda world: world.futures[future]
Spawn = lambda task: lambda world: spawn(world, task)
CallSoon = lambda callback: lambda world: (
    asyncio.get_running_loop().call_soon(world.callback, callback) and None
)
Set = lambda future: lambda world: world.set(future)
OnFuture = lambda future, callback: lambda world: world.futures[future].add_done_callback(
    lambda _: world.callback(callback)
)
OnTask = lambda task, callback: lambda world: on_task(world, task, callback)


async def main(tasks, callbacks, futures):
    world = World(tasks, callbacks, futures)
    loop = asyncio.get_running_loop()
    loop.call_later(1, lambda: [world.set(future) for future in range(futures)])
    await world.task(0)
    await asyncio.sleep(2)
    return world.notes


for line in sys.stdin:
    program = eval(line)
    with asyncio.Runner(loop_factory=loop_with_still_clock) as runner:
        print(*runner.run(main(*program)), flush=True)
