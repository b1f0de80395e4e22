"""Files written behind the training's back, one at a time; and work that two threads share.

A handler of a signal may save a run (a cluster announces that it takes the machine away) while the same thread is in
the middle of a saving, and a program may save while it ends. ``threading`` and ``concurrent.futures`` have locks that
such a handler would wait for in vain, and start nothing at the end; so threads are started and waited for without them.
"""

import atexit
import os
from _thread import start_new_thread
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import sleep
from typing import TypeVar

from ..turn import Turn

Given = TypeVar("Given")
Made = TypeVar("Made")


class Job:
    """Work in a thread of its own, begun at once."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.done, self.process = False, os.getpid()
        self.problem: BaseException | None = None
        start_new_thread(self.run, (work,))

    def run(self, work: Callable[[], object]) -> None:
        """What the thread does."""
        try:
            work()
        except BaseException as problem:
            self.problem = problem
        finally:
            self.done = True

    def wait(self) -> None:
        """Return when it is done; at once in a forked child, which has no such thread."""
        while not self.done and self.process == os.getpid():
            sleep(0.001)


class Writer:
    """Writes one file at a time behind the training's back."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.jobs: list[Job] = []

    def start(self, work: Callable[[], None]) -> None:
        """Begin as soon as the former file is written."""
        with self.turn.lock:
            self.wait()
            self.jobs.append(Job(work))

    def wait(self) -> None:
        """Wait for the file; raise what kept it from being written, once."""
        for job in [*self.jobs]:
            job.wait()
            with suppress(ValueError):
                self.jobs.remove(job)
            problem, job.problem = job.problem, None
            if problem is not None:
                raise problem


def shared(work: Callable[[Given], Made], things: Iterable[Given]) -> list[Made]:
    """What ``work`` makes of each thing, in their order; every other one in a thread of its own.

    Raises:
        What ``work`` raises, for the first thing where more than one fails; what is at work is waited for.
    """
    waiting, made, failed = SimpleQueue[tuple[int, Given]](), dict[int, Made](), dict[int, BaseException]()
    for pair in enumerate(things):
        waiting.put(pair)

    def work_off() -> None:
        with suppress(Empty):
            while not failed:
                number, thing = waiting.get_nowait()
                try:
                    made[number] = work(thing)
                except BaseException as problem:
                    failed[number] = problem

    if waiting.qsize() > 1:
        other = Job(work_off)
        try:
            work_off()
        finally:
            other.wait()
    else:
        work_off()
    if failed:
        raise failed[min(failed)]
    return [made[number] for number in range(len(made))]


WRITER = Writer()
atexit.register(WRITER.wait)  # a file that could not be written is told at the end, if nobody asked before
