async def one(index):
    return index


async def spawn_and_await():
    for index in range(SIZE):
        await asyncio.create_task(one(index))


asyncio.run(laps(spawn_and_await, SIZE))
