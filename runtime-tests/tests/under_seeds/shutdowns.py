"""Runs programs that are shut down, one per line, and prints what asyncio's tasks have seen.

Where this library differs from asyncio on purpose, this script changes asyncio accordingly, and in
nothing else. The numbers are those of the list of differences:

3   `Task`: a result that is ready is returned, and a request waits for the next await that
    suspends. `finally_`: a request that is older than the cleanup waits for the end of the cleanup.
    `own`: if a child has ended cancelled, while a request of its awaiter is not delivered, or by
    the same cause that has cancelled its awaiter, that counts as the awaiter's own cancellation.
4   `outcome`: a child that something else has cancelled is a value.
5   `gathered`: a gather that is cancelled waits for all its children, and is then cancelled.
10  `shut_down`: in rounds, each task once. (And at once: asyncio takes one more iteration first.)
15  `Flag`: cancelling a task that awaits a future leaves the future alone.
"""

import collections.abc

CancelledError = asyncio.CancelledError
MOST_TASKS = 150


class Failed(Exception):
    pass


class Body(collections.abc.Coroutine):
    """Wraps a task's coroutine. A late request is made again when the task runs, like one that the
    task makes itself. If the task ends first, the request has no effect."""

    task = None

    def __init__(self, coro):
        self.coro = coro

    def run(self, step, value):
        task = self.task
        task._must_cancel, task.late = task.late, False
        Task.current, outer = task, Task.current
        try:
            return step(value)
        except BaseException:
            task._must_cancel = False
            if task is Task.main:
                next_round(besides=task)
            raise
        finally:
            Task.current = outer

    def send(self, value):
        return self.run(self.coro.send, value)

    def throw(self, *error):
        return self.run(self.coro.throw, error[0])

    def close(self):
        self.coro.close()

    def __await__(self):
        return self.coro.__await__()


class Task(asyncio.tasks._PyTask):
    current = main = stepping = None
    # The cause of the cancellations that are made within the current call.
    cause = None
    all, round = [], []
    met = set()

    def __init__(self, coro, **options):
        # The numbers of requests that were made, and of those that have been delivered.
        self.requests = self.seen = 0
        self.late = self.woken = self.thrown = False
        # The causes of the requests that are not delivered, of those that were delivered last, of
        # all that were delivered, and of the end of the task.
        self.causes, self.delivered, self.had, self.end = [], [], set(), None
        body = Body(coro)
        body.task = self
        super().__init__(body, **options)
        Task.all.append(self)

    def cancel(self, msg=None):
        outer = Task.cause
        if outer is None:
            late = Task.stepping if Task.current is None else None
            Task.cause = late.causes[0] if late and late.causes else object()
        self.causes.append(Task.cause)
        self.asked_at = self._loop.time()
        asked = super().cancel(msg)
        if not asked:
            self.causes.pop()
        Task.cause = outer
        self.requests += asked
        return asked

    def deliver(self, which=-1):
        self.seen = self.requests
        self.had.update(self.causes)
        if self.causes:
            self.end, self.delivered = self.causes[which], self.causes
        self.causes = []

    def uncancel(self):
        # As in 3.13 (CA-13).
        left = super().uncancel()
        if left == 0:
            self._must_cancel = False
        return left

    def _Task__wakeup(self, future):
        self.woken = True
        if self.requests > self.seen and not future.cancelled() and came_too_late(future):
            self._must_cancel = True
        super()._Task__wakeup(future)

    def _Task__step(self, exc=None):
        woken, self.woken = self.woken, False
        ended_cancelled = isinstance(exc, CancelledError)
        self.thrown = False
        if self._must_cancel and woken and not ended_cancelled:
            self.late, self._must_cancel = True, False
        else:
            self.thrown = self.requests > self.seen and (ended_cancelled or self._must_cancel)
            # A task that waited gets the first request, one that was about to run the last (CA-14).
            self.deliver(0 if ended_cancelled else -1)
        outer, Task.stepping = Task.stepping, self
        super()._Task__step(exc)
        Task.stepping = outer


def came_too_late(child):
    """Whether a request was passed on to a child that ended before its delivery. Such a request
    still belongs to the parent."""
    return isinstance(child, Task) and child.requests > child.seen


def take_late():
    """Whether a request is not delivered yet. If so, delivers it."""
    task = Task.current
    late, task._must_cancel = task._must_cancel, False
    if late:
        task.deliver()
        task.thrown = True
    return late


def own(children):
    """Whether the caught cancellation is one of the current task itself, not only of a child."""
    return Task.current.thrown or take_late() or any(map(ended_by_own_cause, children))


def ended_by_own_cause(child):
    if not child.cancelled():
        return False
    if child.end == "shutdown" and Task.current not in Task.met:
        # The shutdown cancels each task once.
        Task.met.add(Task.current)
        Task.current._num_cancels_requested += 1
        Task.current.had.add(child.end)
    if child.end not in Task.current.had:
        return False
    Task.current.end = child.end
    return True


def is_next(children):
    """Whether the shutdown has ended a child, but has not yet cancelled the current task. (After
    that, waiting for the children is the task's cleanup.)"""
    is_new = Task.current not in Task.met
    return is_new and any([child.end == "shutdown" and ended_by_own_cause(child) for child in children])


async def outcome(awaited, children, shown=lambda value: value):
    Task.current.thrown = False
    try:
        value = await awaited
        if isinstance(value, list) and is_next([child for child in children if child.done()]):
            Task.current.thrown = True
            raise CancelledError
        return shown(value)
    except CancelledError:
        if own(children):
            raise
        return "cancelled"
    except TimeoutError:
        return "timeout"
    except Failed:
        return "failed"


async def limited(nanoseconds, awaited):
    """`asyncio.timeout` as in 3.12 and later."""
    task, expired, cause = Task.current, False, object()
    before, end = task.cancelling(), task.end

    def expire():
        nonlocal expired
        expired, Task.cause = True, cause
        task.cancel()
        Task.cause = None

    alarm = asyncio.get_running_loop().call_later(nanoseconds * 1e-9, expire)
    counted = False
    try:
        return await awaited
    except CancelledError:
        counted = expired
        if expired and task.uncancel() <= before:
            task.end = end
            raise TimeoutError from None
        if task.end is cause:
            # The cancellation that goes on outward is that of another request.
            others = [other for other in task.delivered if other is not cause]
            task.end = others[0] if others else end
        raise
    finally:
        alarm.cancel()
        if expired and not counted:
            task.uncancel()


async def gathered(children, return_exceptions):
    gather = asyncio.gather(*children, return_exceptions=return_exceptions)
    Task.current.thrown = False
    try:
        return await gather
    except (CancelledError, Failed) as error:
        if Task.current.thrown and (
            all_too_late(children) or return_exceptions and all_over(children)
        ):
            Task.current.thrown, Task.current._must_cancel = False, True
            Task.current.seen -= 1
            Task.current.causes = [Task.current.end]
            return [
                CancelledError() if child.cancelled() else child.exception() or child.result()
                for child in children
            ]
        is_own = isinstance(error, CancelledError) and own(children)
        # An error of a child does not replace the cancellation of the gather.
        if not is_own and not Task.current.thrown and not gather_was_cancelled(gather):
            raise
    if not Task.current.thrown:
        Task.cause = Task.current.end
        for child in children:
            child.cancel()
        Task.cause = None
    while waits := [child for child in children if not child.done()]:
        try:
            # Not `asyncio.wait`: a gather passes further requests on to the children.
            await asyncio.gather(*waits, return_exceptions=True)
        except CancelledError:
            pass
    Task.current.thrown = True
    raise CancelledError


def all_too_late(children):
    """Whether all children are done, and the request came too late for each of them."""
    if not all(child.done() and not child.cancelled() for child in children):
        return False
    asked = [child for child in children if child.requests]
    return bool(asked) and all(map(came_too_late, asked))


def all_over(children):
    """Whether all children are done in the instant of the only request, and none was cancelled by
    it. Then the gather returns its list."""
    task = Task.current
    is_first = len(task.delivered) == 1 and task.asked_at == task._loop.time()
    return is_first and all(
        child.done() and not (child.cancelled() and child.end is task.end) for child in children
    )


def gather_was_cancelled(gather):
    return getattr(gather, "_cancel_requested", False)


async def finally_(body, cleanup):
    try:
        await body
    finally:
        withheld = take_late()
        await cleanup()
        if withheld:
            Task.current.thrown = True
            raise CancelledError


class Flag:
    def __init__(self):
        self.is_set, self.waiters = False, []

    def set(self):
        self.is_set = True
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()

    async def wait(self):
        if not self.is_set:
            waiter = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            await waiter


class World:
    def __init__(self, loop, programs, flags):
        self.loop, self.programs = loop, programs
        self.flags = [Flag() for _ in range(flags)]
        self.count = 0
        # The latest task of each program, and the one that no other task awaits yet.
        self.latest = [None] * len(programs)
        self.free = [None] * len(programs)
        self.names = {}
        self.drawn = {}
        self.notes = {}

    def note(self, name, what):
        self.notes.setdefault(name, []).append(f"{what}@{round(self.loop.time() * 1e9)}")

    def draw(self, name):
        """Returns a number that this task has not drawn yet."""
        self.drawn[name] = self.drawn.get(name, 0) + 1
        return self.drawn[name]

    def time(self, name, units):
        """`units` units of time, and a fraction that no other call gets."""
        fraction = 0xCBF29CE484222325
        for byte in f"{name}#{self.draw(name)}".encode():
            fraction = (fraction ^ byte) * 0x100000001B3 % 2**64
        fraction = fraction * 0x9E3779B97F4A7C15 % 2**64
        return units * 2**24 + (fraction >> 40)

    async def sleep(self, name, units):
        await asyncio.sleep(self.time(name, units) * 1e-9)

    def name(self, parent, number):
        self.count += 1
        return f"{parent}/{number}.{self.draw(parent)}"

    def enough(self):
        return self.count > MOST_TASKS

    def known(self, number, name, task):
        self.latest[number], self.names[task] = task, name
        task.add_done_callback(self.ended)

    def ended(self, task):
        if task.cancelled():
            end = "cancelled"
        else:
            end = "failed" if task.exception() else "returned"
        self.note(self.names[task], end)

    def make(self, parent, number):
        name = self.name(parent, number)
        task = self.loop.create_task(self.play(number, name))
        self.known(number, name, task)
        return task

    def take(self, parent, number):
        task, self.free[number] = self.free[number], None
        return task or self.make(parent, number)

    async def play(self, number, name):
        self.note(name, "began")
        await self.run(name, self.programs[number])
        return name

    async def child(self, number, name):
        """The body of a task that a gather makes."""
        self.known(number, name, Task.current)
        return await self.play(number, name)

    async def run(self, name, steps):
        for step in steps:
            if self.enough():
                return
            await step(self, name)


def step(function):
    def with_arguments(*arguments):
        async def taken(world, name):
            await function(world, name, *arguments)

        return taken

    return with_arguments


@step
async def Sleep(world, name, units):
    await world.sleep(name, units)
    world.note(name, "slept")


@step
async def Await(world, name, number):
    task = world.take(name, number)
    world.note(name, await outcome(task, [task]))


@step
async def Shield(world, name, number):
    task = world.take(name, number)
    world.note(name, await outcome(asyncio.shield(task), [task]))


@step
async def WaitFor(world, name, number, units):
    task = world.take(name, number)

    async def awaited():
        return await task

    world.note(name, await outcome(limited(world.time(name, units), awaited()), [task]))


@step
async def Gather(world, name, numbers, return_exceptions):
    bodies = [world.child(number, world.name(name, number)) for number in numbers]
    children = [world.loop.create_task(body) for body in bodies]

    def shown(values):
        return "+".join(map(said, values))

    world.note(name, await outcome(gathered(children, return_exceptions), children, shown))


def said(value):
    if isinstance(value, str):
        return value
    return "cancelled" if isinstance(value, CancelledError) else "failed"


@step
async def Wait(world, name, numbers, mode, units, rest):
    tasks = [world.take(name, number) for number in numbers]
    modes = [asyncio.ALL_COMPLETED, asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION]
    timeout = None if units is None else world.time(name, units) * 1e-9
    Task.current.thrown = False
    try:
        done, pending = await asyncio.wait(tasks, timeout=timeout, return_when=modes[mode])
    except CancelledError:
        done = [task for task in tasks if task.done()]
        # If the wait is over when the task runs, it returns its value (3).
        if len(done) < (1 if mode == 1 else len(tasks)) or any(map(ended_by_own_cause, done)):
            raise
        Task.current.thrown, Task.current._must_cancel = False, True
        Task.current.seen -= 1
        Task.current.causes = [Task.current.end]
        pending = [task for task in tasks if not task.done()]
    if is_next(done):
        Task.current.thrown = True
        raise CancelledError
    # How many of the tasks that end in one instant FIRST_COMPLETED returns is not compared (WA-3).
    world.note(name, "waited" if mode else f"waited:{len(done)}+{len(pending)}")
    await world.sleep(name, rest)


@step
async def AsCompleted(world, name, numbers):
    # Tasks that have ended before come first, in an unspecified order: leave them out.
    tasks = [world.take(name, number) for number in numbers]
    tasks = [task for task in tasks if not task.done()]
    for task in asyncio.as_completed(tasks):
        world.note(f"{name} completed", await outcome(task, tasks))


@step
async def Retry(world, name, number, times):
    for _ in range(times):
        task = world.make(name, number)
        end = await outcome(task, [task])
        world.note(name, end)
        if end not in ("failed", "cancelled"):
            return
        world.note(name, "restarts")


@step
async def Timeout(world, name, units, body):
    limit = world.time(name, units)

    async def noted():
        await world.run(name, body)
        world.note(name, "in-time")

    try:
        await limited(limit, noted())
    except TimeoutError:
        world.note(name, "timeout")


@step
async def Catch(world, name, body, handler, suppresses):
    try:
        await world.run(name, body)
    except CancelledError:
        world.note(name, "caught")
        await world.run(name, handler)
        world.note(name, "handled")
        if not suppresses:
            Task.current.thrown = True
            raise


@step
async def Finally(world, name, body, cleanup):
    async def noted():
        world.note(name, "cleans")
        await world.run(name, cleanup)
        world.note(name, "cleaned")

    await finally_(world.run(name, body), noted)


@step
async def Fail(world, name, units):
    await world.sleep(name, units)
    raise Failed


@step
async def AwaitFuture(world, name, flag, units):
    await world.flags[flag].wait()
    world.note(name, "got")
    if units is not None:
        await world.sleep(name, units)


@step
async def Acts(world, name, before, acts, after):
    await world.sleep(name, before)
    for act in acts:
        act(world, name)
    if after is not None:
        await world.sleep(name, after)


def act(function):
    return lambda *arguments: lambda world, name: function(world, name, *arguments)


@act
def Spawn(world, name, number):
    if world.free[number] is None:
        world.free[number] = world.make(name, number)


@act
def Cancel(world, name, number):
    if world.latest[number] is not None:
        world.note(name, f"cancels:{world.latest[number].cancel()}")


@act
def SetFuture(world, name, flag):
    world.flags[flag].set()


@act
def OnDone(world, name, number):
    if world.latest[number] is not None:
        world.latest[number].add_done_callback(
            lambda task: world.note(f"{name} callback", f"{world.names[task]}:{task.cancelled()}")
        )


def next_round(besides=None):
    Task.round = [
        task for task in Task.all if not (task is besides or task in Task.met or task.done())
    ]
    Task.met.update(Task.round)
    Task.cause = "shutdown"
    for task in Task.round:
        task.cancel()
    Task.cause = None


async def shut_down():
    while any(not task.done() for task in Task.all):
        if waits := [task for task in Task.round if not task.done()]:
            await asyncio.wait(waits)
        else:
            next_round()
            if not Task.round:
                # The shutdown has reached the remaining tasks through what they awaited.
                await asyncio.wait([task for task in Task.all if not task.done()])


def played(programs, flags):
    loop = loop_with_still_clock()
    loop.set_task_factory(lambda loop, coro, **options: Task(coro, loop=loop, **options))
    loop.set_exception_handler(lambda loop, context: None)
    world = World(loop, programs, flags)
    loop.call_later(1, lambda: [flag.set() for flag in world.flags])
    main = Task.main = world.make("", 0)
    try:
        loop.run_until_complete(main)
    except (CancelledError, Failed):
        pass
    # These are not tasks of the world, so the shutdown does not cancel them.
    for rest in (shut_down(), asyncio.sleep(0)):
        loop.run_until_complete(asyncio.tasks._PyTask(rest, loop=loop))
    loop.close()
    Task.all.clear()
    Task.met.clear()
    if world.enough():
        return "too many"
    for name, notes in world.notes.items():
        if " " in name:
            # The order within one instant is unspecified.
            notes.sort()
    lines = sorted(world.notes.items())
    return " ".join(f"[{name}] " + " ".join(notes) for name, notes in lines)


true, false, Some = True, False, lambda value: value

if __name__ == "__main__":
    for line in sys.stdin:
        try:
            print(played(*eval(line)), flush=True)
        except BaseException as error:
            print("Python fails:", *repr(error).split(), flush=True)
            raise
