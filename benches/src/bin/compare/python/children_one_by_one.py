async def one_by_one():
    for _ in range(SIZE):
        await run_true()


asyncio.run(laps(one_by_one, SIZE))
