"""Runs programs of task groups, one per line, and prints what asyncio's tasks have seen.

The tasks, their cancellation, the timers and the loop are asyncio's. `Group` is its TaskGroup as of
3.15 with `cancel`, which the installed version may not have; `Task` has `uncancel` as of 3.13. In
two things they follow this library. A request that was caught before the group began, or was
suppressed, is not the group's; that of a group further out is over as soon as it is caught, unless
it is raised. (asyncio's group raises it, because it is still counted.) And a request that is made
once more, after errors, ends with the group that has made it. No two instants of a program are the
same, so nothing depends on the order of steps within one.
"""

CancelledError = asyncio.CancelledError
true, false = True, False


class Failed(Exception):
    pass


class Failures(Exception):
    pass


class Task(asyncio.tasks._PyTask):
    # The groups whose bodies this task runs, the innermost last.
    bodies = ()
    # Those whose requests it gets once more, at its next await; `None` stands for one from outside.
    again = ()

    def uncancel(self):
        left = super().uncancel()
        if left == 0:
            self._must_cancel = False
        return left

    def external(self):
        """How many requests from outside of its groups the task has not suppressed."""
        return self.cancelling() - sum(group.requested for group in self.bodies)

    def catch(self):
        """The task has caught a request. Returns the groups whose request that may have been."""
        caught = [group for group in self.bodies if group.requested and not group.suppressed]
        for group in caught:
            group.suppressed = True
        return caught

    def suppress(self):
        """The task goes on."""
        while self.external() > 0:
            self.uncancel()
        for group in self.bodies:
            group.before = 0


class Group:
    def __init__(self):
        self.tasks = set()
        self.errors = []
        self.aborting = self.exiting = self.requested = self.suppressed = False
        self.waiter = None

    def is_over(self):
        return self.exiting and not self.tasks

    def create_task(self, coro):
        if self.aborting or self.is_over():
            coro.close()
            return None
        task = asyncio.create_task(coro)
        self.tasks.add(task)
        task.add_done_callback(self.task_done)
        return task

    def task_done(self, task):
        self.tasks.discard(task)
        if self.waiter is not None and not self.tasks and not self.waiter.done():
            self.waiter.set_result(None)
        if not task.cancelled() and task.exception() is not None:
            self.errors.append(task.exception().args[0])
            self.abort()

    def cancel(self):
        if not self.is_over():
            self.abort()

    def abort(self):
        if self.aborting:
            return
        self.aborting = True
        for task in self.tasks:
            task.cancel()
        if not self.exiting:
            self.requested = True
            self.parent.cancel()

    async def run(self, body):
        """Returns whether the body has returned."""
        self.parent = parent = asyncio.current_task()
        self.before = parent.external()
        known = [group for group in parent.bodies if group.requested]
        outer, parent.bodies = parent.bodies, (*parent.bodies, self)
        cancelled, returned = None, False
        try:
            await body()
            returned = True
        except CancelledError as error:
            cancelled = error
        except Failed as error:
            self.errors.append(error.args[0])
        self.exiting = True
        if not returned:
            self.abort()
        while self.tasks:
            self.waiter = asyncio.get_running_loop().create_future()
            try:
                await self.waiter
            except CancelledError as error:
                cancelled = error
                self.abort()
        parent.bodies = outer
        if self.requested:
            parent.uncancel()
        if self in parent.again:
            parent.again.remove(self)
            parent._must_cancel = bool(parent.again)
        external = parent.external() > self.before
        further_out = [group for group in outer if group.requested and group not in known]
        if self.errors:
            again = [group for group in further_out if not group.suppressed]
            if external or again:
                parent.again = again + [None] * external
                parent.uncancel()
                parent.cancel()
            raise Failures(sorted(self.errors))
        if cancelled is not None and (external or further_out):
            raise cancelled
        return returned


class World:
    def __init__(self, tasks):
        self.steps = tasks
        self.tasks = [None] * len(tasks)
        self.notes = [[] for _ in tasks]

    def note(self, task, what):
        now = asyncio.get_running_loop().time()
        self.notes[task].append(f"{round(now * 1e9)}.{what}")

    async def task(self, number, groups):
        try:
            await self.run(number, groups, self.steps[number])
            self.note(number, "end")
        except CancelledError:
            self.note(number, "cancelled")
            raise
        except Failed:
            self.note(number, "failed")
            raise

    async def run(self, number, groups, steps):
        for step in steps:
            await step(self, number, groups)


def Sleep(nanoseconds):
    async def step(world, number, groups):
        world.note(number, "sleep")
        await asyncio.sleep(nanoseconds * 1e-9)

    return step


def Fail(error):
    async def step(world, number, groups):
        raise Failed(error)

    return step


def Spawn(task):
    async def step(world, number, groups):
        if groups and world.tasks[task] is None:
            made = groups[-1].create_task(world.task(task, groups))
            world.tasks[task] = made
            world.note(number, "refused" if made is None else "spawn")

    return step


def Cancel(task):
    async def step(world, number, groups):
        if world.tasks[task] is not None:
            world.tasks[task].cancel()

    return step


def CancelGroup(outward):
    async def step(world, number, groups):
        if len(groups) > outward:
            groups[-1 - outward].cancel()

    return step


def GroupOf(steps, handles):
    async def step(world, number, groups):
        group = Group()
        world.note(number, "enter")
        try:
            body = lambda: world.run(number, (*groups, group), steps)
            returned = await group.run(body)
            world.note(number, "returned" if returned else "quiet")
        except Failures as failures:
            world.note(number, f"errors{failures.args[0]}".replace(" ", ""))
            if not handles:
                raise Failed(1000)

    return step


def Catch(steps, after, raises):
    async def step(world, number, groups):
        task = asyncio.current_task()
        try:
            await world.run(number, groups, steps)
        except CancelledError:
            world.note(number, "caught")
            caught = task.catch()
            try:
                await world.run(number, groups, after)
            except Failed:
                task.suppress()
                raise
            if raises:
                for group in caught:
                    group.suppressed = False
                raise
            task.suppress()

    return step


async def main(tasks):
    world = World(tasks)
    world.tasks[0] = asyncio.create_task(world.task(0, ()))
    await asyncio.wait([world.tasks[0]])
    if not world.tasks[0].cancelled():
        world.tasks[0].exception()
    await asyncio.sleep(10)
    return ["|".join(notes) for notes in world.notes]


def new_loop():
    loop = loop_with_still_clock()
    loop.set_task_factory(lambda loop, coro, **options: Task(coro, loop=loop, **options))
    return loop


for line in sys.stdin:
    program = eval(line)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        print(*runner.run(main(program)), "end", flush=True)
