async def sleeps(longest):
    dice = random.Random(SIZE)
    tasks = [
        asyncio.create_task(asyncio.sleep(dice.uniform(0.001, longest)))
        for _ in range(SIZE)
    ]
    for task in tasks:
        await task


async def main():
    await sleeps(0.1)
    meter = Meter(warm=True)
    meter.start()
    await sleeps(1)
    meter.stop(SIZE)
    meter.answer()


asyncio.run(main())
