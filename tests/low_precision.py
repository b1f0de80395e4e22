"""The slow, obvious twin of a step in low precision: one group, one parameter after another, one element after another.

It shares with the engine only what a rule and a manner of decay say of themselves. How a counter becomes noise, how
half precision is rounded, and how eight bits stand for a number is written here a second time: with Python's whole
numbers, with fractions of a step between two neighbours, and with a table of codes that is searched.
"""

import numpy as np
import torch

from calando.decay import L2
from calando.engine import Engine
from calando.groups import Group
from calando.hyper import Hyper
from calando.rounding import DOMAIN as ROUNDING
from twins import FRONT, usual
from twins import Twin as Plain

WORD, LONG = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
SIGNED, BLOCK = ("m",), 256


def split_mix(x):
    x = (x + 0x9E3779B97F4A7C15) & LONG
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & LONG
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & LONG
    return x ^ (x >> 31)


def keys(seed, age, number):
    found = split_mix(split_mix(split_mix(seed) ^ age) ^ number)
    return found & WORD, found >> 32


def noise(place, keys):
    x = (place + keys[0]) & WORD
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & WORD
    x ^= keys[1]
    x = ((x ^ (x >> 15)) * 0x846CA68B) & WORD
    return x ^ (x >> 16)


def grain(place, keys):
    return ((place + keys[1]) * 0x9E09E39F) & WORD


def stochastic(q, dtype, drawn):
    """One float32, rounded by a draw: the fraction of the way to the next number, in so many binary digits, plus the
    draw, carries or does not."""
    if not np.isfinite(q) or q == 0:
        return q
    size = abs(float(q))
    digits, least, bits = (8, -133, 16) if dtype == "bfloat16" else (11, -24, 13)
    exponent = int(np.frexp(size)[1]) - digits
    bits = 20 if dtype == "float16" and exponent < least else bits
    step = 2.0 ** max(exponent, least)
    below = np.floor(size / step)
    up = int((size / step - below) * 2**bits) + (drawn & (2**bits - 1)) >= 2**bits
    found = np.copysign((below + up) * step, q)
    with np.errstate(over="ignore"):
        return np.float32(found) if dtype == "bfloat16" else np.float32(np.float16(found))


def near(x, dtype):
    """Float32 as torch rounds it."""
    return torch.from_numpy(np.array(x, np.float32)).to(DTYPES[dtype]).float().numpy()


SIGNED_TABLE = np.array([(1 + c % 8 / 8) * 2.0 ** (c // 8 - 15) for c in range(129)])
UNSIGNED_TABLE = np.array([(1 + c % 8 / 8) * 2.0 ** (c // 8 - 31) for c in range(257)])


def encoded(name, x, draws):
    """The codes and scales of a flat array."""
    single, signed = np.float32, name in SIGNED
    table = SIGNED_TABLE if signed else UNSIGNED_TABLE
    codes, scales = np.zeros(len(x), np.uint8), np.zeros(-(-len(x) // BLOCK), np.float32)
    span = single(1 / (1.875 - 2.0**-15)) if signed else single(1 / 1.875)
    for k in range(len(scales)):
        block = x[k * BLOCK : (k + 1) * BLOCK]
        sizes = np.abs(block)[np.isfinite(block)]
        scales[k] = single(sizes.max(initial=0)) * span
        inverse = single(1 - 2.0**-21) / scales[k] if scales[k] > 2.0**-100 else single(0)
        for j, value in enumerate(block):
            i = k * BLOCK + j
            if not np.isfinite(value):
                continue
            t = abs(value) * inverse + single(2.0**-15) if signed else max(value * inverse, single(2.0**-31))
            below = int(np.searchsorted(table, float(t), "right")) - 1
            part = (float(t) - table[below]) / (table[below + 1] - table[below])
            code = below + (int(part * 2**20) + draws[i] >= 2**20)
            codes[i] = code + (128 if signed and np.signbit(value) else 0)
    return codes, scales


def decoded(name, codes, scales):
    """What codes mean, float32."""
    found = np.zeros(len(codes), np.float32)
    for i, code in enumerate(codes.tolist()):
        scale = scales[i // BLOCK]
        if name in SIGNED:
            value = np.float32(SIGNED_TABLE[code % 128] - 2.0**-15) * scale
            found[i] = -value if code >= 128 else value
        else:
            found[i] = np.float32(UNSIGNED_TABLE[code]) * scale
    return found


class Twin:
    """Plays one group of torch tensors as ``engine`` does; ``params`` are float32 arrays of the same numbers."""

    def __init__(self, params, rule, dtype, hyper, way=None, eight=False, decay=L2, narrow=None):
        self.narrow = narrow
        self.rule, self.dtype, self.hyper, self.way, self.eight, self.decay = rule, dtype, hyper, way, eight, decay
        self.params = [p.float().numpy().copy() for p in params]
        self.slots = [{name: np.zeros(p.shape, np.float32) for name in rule.slots} for p in self.params]
        if rule.inner is not None:
            for p, slots in zip(self.params, self.slots, strict=True):
                slots["ema"] = p.copy()
        self.rests = [np.zeros(p.shape, np.float32) for p in self.params]
        self.age = 0

    def step(self, grads):
        self.age += 1
        for number, (p, g) in enumerate(zip(self.params, grads, strict=True)):
            self.update(number, p, g.float().numpy())

    def update(self, number, p, g):
        single, slots = np.float32, self.slots[number]
        front = map(single, self.decay.scalars(self.hyper, 1.0))
        own = [*map(single, self.rule.scalars(self.hyper, self.age))]
        with np.errstate(all="ignore"):
            weights = p + self.rests[number] if self.way == "kahan" else p
            q, h = self.decay.element(weights, g, *front, single(0))
            if self.rule.measure is not None:
                seen = self.rule.measure(q, h, *slots.values(), *own)
                own.append(single(self.rule.trust(self.hyper, *(Plain.measured(None, x, False, False) for x in seen))))
            new = self.rule.element(q, h, *slots.values(), *own)
        new = new if isinstance(new, tuple) else (new,)
        drawn = keys(int(self.hyper.get("rounding_seed", 0)), self.age, number)
        with np.errstate(all="ignore"):
            self.store(number, new[0], drawn)
        for name, value in zip(self.rule.slots, new[1:], strict=True):
            slots[name] = self.kept(name, np.asarray(value, np.float32), drawn)

    def store(self, number, q, drawn):
        p = self.params[number]
        if self.way == "stochastic":
            flat = np.asarray(q, np.float32).reshape(-1)
            found = [stochastic(x, self.dtype, noise(i, drawn)) for i, x in enumerate(flat)]
            p[...] = np.array(found, np.float32).reshape(p.shape)
        else:
            p[...] = near(q, self.dtype)
        if self.way == "kahan":
            rest = q - p
            self.rests[number][...] = near(np.where(np.isfinite(rest), rest, 0), self.dtype)

    def kept(self, name, value, drawn):
        if name == "ema":
            return value
        if self.narrow:
            return rounded(value, self.narrow, drawn, self.rule.slots.index(name))
        if not self.eight:
            return value
        flat, shift = value.reshape(-1), 0 if name in SIGNED else 12
        draws = [(grain(i, drawn) >> shift) & 0xFFFFF for i in range(flat.size)]
        return decoded(name, *encoded(name, flat, draws)).reshape(value.shape)


def rounded(value, dtype, keys, slot):
    """The so many-th slot of a parameter in float32, rounded to half precision: two slots share the multiples of a
    constant, the second turned by half, and the next two those from the other key on."""
    draws = [((i + keys[1 - slot // 2 % 2]) * 0x9E3AB3F9) & WORD for i in range(value.size)]
    draws = [x >> 16 | (x << 16 & WORD) for x in draws] if slot % 2 else draws
    found = [stochastic(x, dtype, drawn) for x, drawn in zip(value.reshape(-1), draws, strict=True)]
    return np.array(found, np.float32).reshape(value.shape)


def engine(params, rule, hyper, way=None, eight=False, decay=L2, narrow=None):
    """One group of torch tensors; its slots are float32, 8 bits, or in half precision."""
    names = tuple(map(str, range(len(params))))
    slot_dtype = "int8" if eight else narrow or "float32"
    group = Group(tuple(params), names, rule, decay, slot_dtype=slot_dtype, rounding=way)
    return Engine([group], [Hyper("For 'Test'", {**rule.domain, **decay.domain, **FRONT, **ROUNDING}, hyper)])


def drawn(shapes, seed, dtype, spread=3):
    """Normal numbers of very different sizes."""
    torch.manual_seed(seed)
    return [(torch.randn(s) * 10.0 ** torch.randint(-spread, 1, s)).to(DTYPES[dtype]) for s in shapes]


def assert_same(engine, twin):
    """Bit for bit: parameters, slots, what Kahan keeps."""
    from calando.kernels.memory import numbers

    for i, member in enumerate(engine.members[0]):
        np.testing.assert_array_equal(member.param.float().numpy(), twin.params[i])
        for name, found in numbers(twin.rule.slots, member.slots):
            np.testing.assert_array_equal(torch.as_tensor(found).float().numpy(), twin.slots[i][name], name)
        if twin.way == "kahan":
            np.testing.assert_array_equal(member.slots["compensation"].float().numpy(), twin.rests[i])


def hyper_of(rule, **other):
    """Usual numbers, with a seed that two words of 32 bits are needed for."""
    return usual(rule, rounding_seed=2.0**40 + 5, **other)
