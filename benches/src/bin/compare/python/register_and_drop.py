# The loop removes its cancelled timers in its iterations, so it has to run one now and then.
TIMERS_PER_ITERATION = 64


def never():
    raise AssertionError("no timer of this lap is due")


async def register_and_drop():
    loop = asyncio.get_running_loop()
    dice = random.Random(SIZE)
    for index in range(SIZE):
        loop.call_later(dice.uniform(30, 90), never).cancel()
        if index % TIMERS_PER_ITERATION == 0:
            await asyncio.sleep(0)


asyncio.run(laps(register_and_drop, SIZE))
