#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""asyncio streams: an echo server, and a client that verifies many at once.

echo.py serve ADDR PORT
echo.py drive ADDR PORT CONNECTIONS BYTES
"""
import asyncio
import random
import sys


async def echo(reader, writer):
    while block := await reader.read(65536):
        writer.write(block)
        await writer.drain()
    writer.write_eof()
    writer.close()


async def serve(addr, port):
    server = await asyncio.start_server(echo, addr, port)
    async with server:
        await server.serve_forever()


async def one(addr, port, seed, size):
    reader, writer = await asyncio.open_connection(addr, port)
    sent = random.Random(seed).randbytes(size)

    async def send():
        writer.write(sent)
        await writer.drain()
        writer.write_eof()

    _, got = await asyncio.gather(send(), reader.read())
    writer.close()
    await writer.wait_closed()
    if got != sent:
        sys.exit(f"connection {seed}: {len(got)} of {size} bytes came back, or others")


async def drive(addr, port, count, size):
    await asyncio.gather(*(one(addr, port, i, size) for i in range(count)))
    print(f"{count} connections, {size} bytes there and back, all intact")


if __name__ == "__main__":
    mode, addr, port, *numbers = sys.argv[1:]
    asyncio.run({"serve": serve, "drive": drive}[mode](addr, int(port), *map(int, numbers)))
