# The same number as for the other runtimes: see ../workloads/tasks.rs.
YIELDS = 1_000


async def one():
    for _ in range(YIELDS):
        await asyncio.sleep(0)


async def yields():
    tasks = [asyncio.create_task(one()) for _ in range(SIZE)]
    for task in tasks:
        await task


asyncio.run(laps(yields, SIZE * YIELDS))
