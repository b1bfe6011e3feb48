"""Evidence for the random numbers: speed and avalanche of the candidates, and dieharder on the engine's own orders.

    python benchmarks/rng_battery.py candidates             one minute
    python benchmarks/rng_battery.py dieharder [order ...]  needs the program `dieharder`; two minutes an order
    python benchmarks/rng_battery.py again                  what was weak, on new draws, four times as many
    python benchmarks/rng_battery.py raw ORDER [FROM]       endless raw draws to standard output, for other batteries

An order is a sequence in which an engine, or a study, takes draws: over the attempts of one lead, over leads, ...
Results are in docs/decisions/001-random-numbers.md.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import time

import numpy as np
from numba import njit

from funnelsim.engine import rng

U = np.uint64
ONE, MASK32 = U(1), U(0xFFFFFFFF)
SOURCE, STAGE = U(rng.path_hash("sources/web")), U(rng.path_hash("stages/interest"))
PURPOSES = np.array([rng.path_hash(f"purpose {i}") for i in range(16)], np.uint64)
CHUNK = 1 << 16

# dieharder's numbers: birthdays, 32x32 and 6x8 ranks, bitstream, count-the-1s, 3d spheres, runs, monobit, STS runs,
# STS serial, bit distribution (2), permutations (3), KS test, byte distribution, fill tree, monobit 2
TESTS = [
    (0,),
    (2,),
    (3,),
    (4,),
    (8,),
    (12,),
    (15,),
    (100,),
    (101,),
    (102,),
    (200, 2),
    (202, 3),
    (204,),
    (205,),
    (207,),
    (209,),
]
WEAK = [("attempts", (8,)), ("attempts", (102,)), ("replications", (102,)), ("seeds", (2,)), ("small_counters", (102,))]
WORDS = ("PASSED", "WEAK", "FAILED")


# ---- orders: fill `out` with the draws start, start + 1, ... ---------------------------------------------------------


@njit
def attempts(out, start):
    stream = rng.lead_stream(rng.replication_key(ONE, 0), SOURCE, 3, 5)
    for i in range(out.size):
        out[i] = rng.bits(stream, STAGE, 1, start + i)


@njit
def leads(out, start):
    key = rng.replication_key(ONE, 0)
    for i in range(out.size):
        n = start + i
        out[i] = rng.bits(rng.lead_stream(key, SOURCE, n >> 3, n & 7), STAGE, 1, 0)


@njit
def purposes(out, start):
    key = rng.replication_key(ONE, 0)
    for i in range(out.size):
        n = start + i
        stream = rng.lead_stream(key, SOURCE, n >> 7, (n >> 4) & 7)
        out[i] = rng.bits(stream, STAGE + PURPOSES[n & 15], 1, 0)


@njit
def replications(out, start):
    for i in range(out.size):
        out[i] = rng.bits(rng.lead_stream(rng.replication_key(ONE, start + i), SOURCE, 0, 0), STAGE, 1, 0)


@njit
def seeds(out, start):
    for i in range(out.size):
        out[i] = rng.bits(rng.lead_stream(rng.replication_key(U(start + i), 0), SOURCE, 0, 0), STAGE, 1, 0)


@njit
def small_counters(out, start):
    key = rng.replication_key(ONE, 0)
    for i in range(out.size):
        n = start + i
        stream = rng.lead_stream(key, SOURCE, n >> 8, (n >> 5) & 7)
        out[i] = rng.bits(stream, STAGE, 1 + ((n >> 3) & 3), n & 7)


ORDERS = {f.__name__: f for f in (attempts, leads, purposes, replications, seeds, small_counters)}


def raw(order: str, start: int = 1) -> None:
    """Endless raw draws, until the reader closes."""
    out = np.empty(CHUNK, np.uint64)
    try:
        while True:
            ORDERS[order](out, start)
            sys.stdout.buffer.write(out.tobytes())
            start += CHUNK
    except BrokenPipeError:
        sys.stderr.close()


def dieharder(names: list[str]) -> None:
    """All tests on each order: a line for each p-value, and the count of weak and failed ones."""
    for name in names or list(ORDERS):
        began = time.time()
        verdicts = [verdict for test in TESTS for verdict in _verdicts(name, test)]
        count = {word: verdicts.count(word) for word in WORDS}
        print(f"{name:15} TOTAL {count} in {time.time() - began:.0f} s", flush=True)


def again() -> None:
    """The tests that were weak, from a million million draws on, with 400 samples instead of 100."""
    for name, test in WEAK:
        _verdicts(name, test, start=10**12, samples=("-p", "400"))


def _verdicts(order: str, test: tuple[int, ...], start: int = 1, samples: tuple[str, ...] = ()) -> list[str]:
    program = shutil.which("dieharder")
    if program is None:
        sys.exit("dieharder is not installed (Debian: apt-get install dieharder)")
    command = [program, "-g", "200", "-d", str(test[0]), *samples, "-D", "524792"]
    if len(test) > 1:
        command += ["-n", str(test[1])]
    with subprocess.Popen([sys.executable, __file__, "raw", order, str(start)], stdout=subprocess.PIPE) as source:
        told = subprocess.run(command, stdin=source.stdout, capture_output=True, text=True, check=True).stdout
        source.kill()
    lines = [line.strip() for line in told.splitlines() if line.split("|")[-1].strip() in WORDS]
    for line in lines:
        print(f"{order:15} {line}", flush=True)
    return [line.split("|")[-1].strip() for line in lines]


# ---- candidates: a draw from 64 bits of luck and a counter -----------------------------------------------------------


@njit
def ror(x, n):
    return (x >> U(n)) | (x << U(64 - n))


@njit
def splitmix64(stream, n):
    return rng.nth_output(stream, n)


@njit
def moremur(stream, n):
    x = stream + n * rng.GOLDEN
    x = (x ^ (x >> U(27))) * U(0x3C79AC492BA7B653)
    x = (x ^ (x >> U(33))) * U(0x1C69B3F74AC4AE35)
    return x ^ (x >> U(27))


@njit
def rrmxmx(stream, n):
    x = stream + n * rng.GOLDEN
    x = (x ^ ror(x, 49) ^ ror(x, 24)) * U(0x9FB21C651E98DF25)
    x = (x ^ (x >> U(28))) * U(0x9FB21C651E98DF25)
    return x ^ (x >> U(28))


@njit
def squares64(stream, n):
    key = stream | ONE
    x = y = n * key
    z = y + key
    x = ror(x * x + y, 32)
    x = ror(x * x + z, 32)
    x = ror(x * x + y, 32)
    t = x * x + z
    x = ror(t, 32)
    return t ^ ((x * x + y) >> U(32))


@njit
def philox4x32(stream, n):
    """10 rounds; the first 64 of its 128 bits."""
    a, b, c, d = n & MASK32, n >> U(32), U(0), U(0)
    k, m = stream & MASK32, stream >> U(32)
    for _ in range(10):
        p, q = U(0xD2511F53) * a, U(0xCD9E8D57) * c
        a, b, c, d = (q >> U(32)) ^ b ^ k, q & MASK32, (p >> U(32)) ^ d ^ m, p & MASK32
        k, m = (k + U(0x9E3779B9)) & MASK32, (m + U(0xBB67AE85)) & MASK32
    return a | (b << U(32))


@njit
def threefry2x64(stream, n):
    """20 rounds; the first 64 of its 128 bits."""
    keys = (stream, U(0), U(0x1BD11BDAA9FC1A22) ^ stream)
    turns = (48, 22, 52, 33, 48, 32, 40, 43)  # to the right
    a, b = n + keys[0], keys[1]
    for i in range(20):
        a = a + b
        b = ror(b, turns[i & 7]) ^ a
        if i & 3 == 3:
            s = (i >> 2) + 1
            a, b = a + keys[s % 3], b + keys[(s + 1) % 3] + U(s)
    return a


CANDIDATES = {f.__name__: f for f in (splitmix64, moremur, rrmxmx, squares64, philox4x32, threefry2x64)}
VECTORS = {  # first 64 bits for luck 0: Random123's kat_vectors at counter 0; Vigna's splitmix64.c at 1
    "philox4x32": (0, 0xE169C58D6627E8D5),
    "threefry2x64": (0, 0xC2B6E3A8C2C69865),
    "splitmix64": (1, 0xE220A8397B1DCDAF),
}


@njit
def keyed_loop(draw, n):
    """Four draws a lead, as in the hot loop: independent of each other."""
    total = U(0)
    for i in range(n >> 2):
        stream = U(i) * U(0xD1342543DE82EF95)
        for k in range(4):
            total ^= draw(stream, (ONE << U(32)) + U(k))
    return total


@njit
def flips(draw, leads_count, bit_of_luck, bit_of_count, counts):
    """How often each bit of the draw changes when one bit of the luck (-1: none) or of the counter does."""
    for i in range(leads_count):
        stream, n = rng.nth_output(U(7), U(i)), (ONE << U(32)) + U(i & 7)
        other = stream ^ (ONE << U(bit_of_luck)) if bit_of_luck >= 0 else stream
        m = n ^ (ONE << U(bit_of_count)) if bit_of_count >= 0 else n
        changed = draw(stream, n) ^ draw(other, m)
        for b in range(64):
            counts[b] += (changed >> U(b)) & ONE


def worst_bias(draw, luck_bits, count_bits, size: int = 1 << 18) -> float:
    """Largest distance from 1/2 of the chance that an output bit flips."""
    worst = 0.0
    for bit in [(b, -1) for b in luck_bits] + [(-1, b) for b in count_bits]:
        counts = np.zeros(64, np.int64)
        flips(draw, size, *bit, counts)
        worst = max(worst, float(np.abs(counts / size - 0.5).max()))
    return worst


def candidates() -> None:
    """Speed, published vectors, avalanche; Squares ignores the lowest bit of its key, so luck counts from bit 1."""
    size = 1 << 18
    noise = 0.5 / math.sqrt(size)
    print(f"noise of the bias: sd {noise:.5f}, worst of 64 x 64 about {4.0 * noise:.5f}")
    print("candidate      ns a draw  vector  flip of luck  of attempt 0-7  of visit")
    for name, draw in CANDIDATES.items():
        keyed_loop(draw, 8)
        best = min(_seconds(draw, 1 << 23) for _ in range(5)) / (1 << 23) * 1e9
        vector = "none"
        if name in VECTORS:
            counter, expected = VECTORS[name]
            vector = "ok" if int(draw(U(0), U(counter))) == expected else "WRONG"
        biases = [worst_bias(draw, *which) for which in ((range(1, 64), ()), ((), range(3)), ((), range(32, 40)))]
        print(f"{name:14} {best:9.2f} {vector:>7} {biases[0]:13.5f} {biases[1]:15.5f} {biases[2]:9.5f}")


def _seconds(draw, n: int) -> float:
    began = time.process_time()
    keyed_loop(draw, n)
    return time.process_time() - began


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["candidates"]:
            candidates()
        case ["dieharder", *names]:
            dieharder(names)
        case ["again"]:
            again()
        case ["raw", order, *start]:
            raw(order, *map(int, start))
        case _:
            sys.exit(__doc__)
