async def at_once():
    await asyncio.gather(*(run_true() for _ in range(SIZE)))


asyncio.run(laps(at_once, SIZE))
