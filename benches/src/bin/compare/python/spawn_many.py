async def one(index):
    return index


async def spawn_many():
    tasks = [asyncio.create_task(one(index)) for index in range(SIZE)]
    for task in tasks:
        await task


asyncio.run(laps(spawn_many, SIZE))
