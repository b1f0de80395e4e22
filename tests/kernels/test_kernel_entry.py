"""Compiled loops as C functions of an order: each range once, whoever takes it, and in the order that was given."""

import threading

import numpy as np
import pytest

from calando.kernels import compile, pool
from calando.kernels.entry import IMPORTS, Entry, Order, loop
from calando.show import floor
from entries import pieces

CHUNK = """\
    seen[c, 0] += first[0]
    seen[c, 1] = clock[0]
    clock[0] += 1
"""
TABLES = {"seen": ("float64", 2), "first": ("uint32", 1), "clock": ("int64", 1)}


@pytest.fixture(scope="module")
def counted():
    """A loop that adds ``first`` to a chunk's number, and says when it was its turn."""
    text = f"{IMPORTS}\n{loop(TABLES, CHUNK, cache=False)}"
    return Entry(compile.run_module("counted", "<counted>", text).kernel)


def tables(count):
    return np.zeros((count, 2)), np.array([3], np.uint32), np.zeros(1, np.int64)


def test_ranges_are_taken_in_their_order(counted):
    given = tables(9)
    counted(Order(given, [(6, 9), (0, 2), (5, 6), (2, 5), (4, 4)]))
    assert given[0][:, 0].tolist() == [3.0] * 9
    assert given[0][:, 1].argsort().tolist() == [6, 7, 8, 0, 1, 5, 2, 3, 4]


def test_threads_take_every_range_once(counted):
    count = 3_000_000  # so many that they are at work at the same time
    given = tables(count)
    first = np.arange(count)
    order, start = Order(given, np.column_stack([first, first + 1])), threading.Barrier(6, timeout=60)
    threads = [threading.Thread(target=lambda: (start.wait(), counted(order))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (given[0][:, 0] == 3.0).all()
    assert int(order.words[0]) == count + 6  # each of them found none left, once
    assert int(order.words[2]) == count


def test_a_closed_order_is_left_alone(counted):
    given = tables(5)
    order = Order(given, pieces(5))
    order.close()
    counted(order)
    counted(order)
    assert not given[0].any()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_loop_that_gets_no_memory_is_noticed(workers):
    text = f"{IMPORTS}\nimport numpy as np\n{loop(TABLES, CHUNK, ['lane = np.empty(1 << 58)'], cache=False)}"
    text = text.replace("first[0]", "first[0] + lane[c]")  # or it would not be asked for
    starved = Entry(compile.run_module("starved", "<starved>", text).kernel)
    with pytest.raises(MemoryError, match="0 of 4 ranges"):
        pool.share(starved, tables(4), pieces(4), workers)
    late = pool.helpers(0)  # one who comes when all is done finds no memory either, and that belongs to this test
    gate = threading.Barrier(late.count + 1)
    for _ in range(late.count):
        late.tasks.put(lambda: gate.wait(60))
    gate.wait(60)


def test_no_ranges_and_empty_tables(counted):
    counted(Order(tables(0), []))


@pytest.mark.parametrize("gaps", [np.zeros((4, 6))[:, ::2], np.zeros(8)[::2], np.zeros((3, 4)).T])
def test_a_table_in_several_pieces_is_no_table(gaps):
    with pytest.raises(TypeError, match="not C contiguous"):
        Order([gaps], [(0, 1)])


def test_the_add_that_steps_are_measured_against(monkeypatch):
    monkeypatch.setenv("CALANDO_NUM_THREADS", "3")
    add, moved = floor.adding(3 * floor.BLOCK + 5)
    add(), add()
    held = add.__closure__ and [cell.cell_contents for cell in add.__closure__]
    assert moved == 12 * (3 * floor.BLOCK + 5) and held and not held[2]
