DATA = bytes(SIZE << 20)


async def through_cat():
    child = await asyncio.create_subprocess_exec(
        "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate(DATA)
    assert len(output) == len(DATA)


asyncio.run(laps(through_cat, SIZE))
