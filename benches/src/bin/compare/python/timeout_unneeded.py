async def timeout_unneeded():
    for _ in range(SIZE):
        await asyncio.wait_for(asyncio.sleep(0), 30)


asyncio.run(laps(timeout_unneeded, SIZE))
