"""Files written behind the training's back, one at a time."""

import atexit
import threading
from collections.abc import Callable


class Writer:
    """Writes one file at a time behind the training's back."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.thread: threading.Thread | None = None
        self.problem: BaseException | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin as soon as the former file is written."""

        def run() -> None:
            try:
                work()
            except BaseException as problem:
                self.problem = problem

        with self.turn:
            self.finish()
            thread = threading.Thread(target=run, name="calando-checkpoint")
            thread.start()
            self.thread = thread

    def wait(self) -> None:
        """Wait for the file; raise what kept it from being written."""
        with self.turn:
            self.finish()

    def finish(self) -> None:
        """As ``wait``, for who has the turn."""
        if self.thread is not None:
            self.thread.join()
            self.thread = None
        problem, self.problem = self.problem, None
        if problem is not None:
            raise problem


WRITER = Writer()
atexit.register(WRITER.wait)  # a file that could not be written is told at the end, if nobody asked before
