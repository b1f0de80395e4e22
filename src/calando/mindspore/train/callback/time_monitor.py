"""The time of each epoch, printed while a Model trains or is evaluated."""

import time

from .callback import Callback, RunContext


class TimeMonitor(Callback):
    """Prints after each epoch how long it took, and each of its steps on average.

    Args:
        data_size: steps of an epoch, for a Model that does not know them.
        data_time: whether to print also how long one waited for each batch, on average.

    Raises:
        ValueError: ``data_size`` is no int from 1 on.
        TypeError: ``data_time`` is not True or False.
    """

    def __init__(self, data_size: int | None = None, data_time: bool = False) -> None:
        if data_size is not None and (isinstance(data_size, bool) or not isinstance(data_size, int) or data_size < 1):
            raise ValueError(f"For 'TimeMonitor': 'data_size' must be an int from 1 on, but got {data_size!r}")
        if not isinstance(data_time, bool):
            raise TypeError(f"For 'TimeMonitor': 'data_time' must be True or False, but got {data_time!r}")
        self.data_size, self.data_time = data_size, data_time
        self.epoch_time = self.asked = time.perf_counter()
        self.waited = 0.0

    def epoch_begin(self, run_context: RunContext) -> None:
        self.epoch_time = self.asked = time.perf_counter()
        self.waited = 0.0

    def step_begin(self, run_context: RunContext) -> None:
        self.waited += time.perf_counter() - self.asked

    def step_end(self, run_context: RunContext) -> None:
        self.asked = time.perf_counter()

    def epoch_end(self, run_context: RunContext) -> None:
        passed = (time.perf_counter() - self.epoch_time) * 1000
        told = run_context.original_args()
        steps = told.get("batch_num") or self.data_size or 1
        mode = told.get("mode", "").title()
        line = f"{mode} epoch time: {passed:5.3f} ms, per step time: {passed / steps:5.3f} ms"
        if self.data_time:
            line += f" (data time: {self.waited * 1000 / steps:5.3f} ms)"
        print(line, flush=True)
