"""What a compiled loop does, with Python at work in it: for tests of those that share an order."""

import ctypes
import threading
from types import SimpleNamespace

from calando.kernels.entry import Entry


def entry(work):
    """An entry that calls ``work(start, stop)`` for every range that it takes; ``work`` must not raise."""
    taking = threading.Lock()

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def call(address):
        words = (ctypes.c_uint64 * 4).from_address(address)
        bounds = (ctypes.c_int64 * (2 * words[1])).from_address(words[3] or address)
        while True:
            with taking:
                mine = words[0]
                words[0] = mine + 1
            if mine >= words[1]:
                return
            work(bounds[2 * mine], bounds[2 * mine + 1])
            with taking:
                words[2] += 1

    return Entry(SimpleNamespace(address=ctypes.cast(call, ctypes.c_void_p).value, call=call))


def pieces(count):
    """Ranges of one chunk each."""
    return [(i, i + 1) for i in range(count)]


def listing(made):
    """The machine code of a compiled loop; what comes from the disk cache has none."""
    return made._library.get_asm_str()
