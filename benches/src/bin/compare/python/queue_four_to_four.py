# The same number as for the other runtimes: see ../workloads/sharing.rs.
EACH = max(SIZE // 4, 1)


async def four_to_four():
    queue = asyncio.Queue(128)

    async def producer():
        for number in range(EACH):
            await queue.put(number)

    async def consumer():
        for _ in range(EACH):
            await queue.get()

    tasks = [asyncio.create_task(each()) for each in [producer, consumer] * 4]
    for task in tasks:
        await task


asyncio.run(laps(four_to_four, EACH * 4))
