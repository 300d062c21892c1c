async def one(index):
    await asyncio.sleep(0)
    return index


async def gather():
    values = await asyncio.gather(*(one(index) for index in range(SIZE)))
    assert len(values) == SIZE


asyncio.run(laps(gather, SIZE))
