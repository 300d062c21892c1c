# The loop forgets its cancelled timers when it turns: so it must, now and then.
TIMERS_PER_TURN = 64


def never():
    raise AssertionError("no timer of this lap is due")


async def register_and_drop():
    loop = asyncio.get_running_loop()
    dice = random.Random(SIZE)
    for index in range(SIZE):
        loop.call_later(dice.uniform(30, 90), never).cancel()
        if index % TIMERS_PER_TURN == 0:
            await asyncio.sleep(0)


asyncio.run(laps(register_and_drop, SIZE))
