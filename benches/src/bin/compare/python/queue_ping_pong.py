async def ping_pong():
    there, back = asyncio.Queue(1), asyncio.Queue(1)

    async def asker():
        for round in range(SIZE):
            await there.put(round)
            await back.get()

    async def answerer():
        for _ in range(SIZE):
            await back.put(await there.get())

    tasks = [asyncio.create_task(asker()), asyncio.create_task(answerer())]
    for task in tasks:
        await task


asyncio.run(laps(ping_pong, SIZE))
