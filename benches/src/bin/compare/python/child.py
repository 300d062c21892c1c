async def run_true():
    child = await asyncio.create_subprocess_exec("true")
    assert await child.wait() == 0


