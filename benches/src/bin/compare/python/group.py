CHILDREN = 1_000


async def one(index):
    return index


async def groups():
    for _ in range(SIZE // CHILDREN):
        async with asyncio.TaskGroup() as group:
            for index in range(CHILDREN):
                group.create_task(one(index))


asyncio.run(laps(groups, SIZE))
