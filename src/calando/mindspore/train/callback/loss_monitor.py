"""The loss, printed while a Model trains."""

import math

from .callback import Callback, RunContext, loss_of


class LossMonitor(Callback):
    """Prints the loss every so many steps, and the metrics that ``Model.fit`` measured after an epoch.

    Args:
        per_print_times: steps between two lines; 0 prints no loss.

    A loss of nan or inf ends the training, unless a loss scale takes care of it.

    Raises:
        ValueError: ``per_print_times`` is no int from 0 on; in training: the loss is nan or inf.
    """

    def __init__(self, per_print_times: int = 1) -> None:
        if isinstance(per_print_times, bool) or not isinstance(per_print_times, int) or per_print_times < 0:
            raise ValueError(
                f"For 'LossMonitor': 'per_print_times' must be an int from 0 on, but got {per_print_times!r}"
            )
        self._per_print_times = per_print_times
        self._last_print_time = 0

    def begin(self, run_context: RunContext) -> None:
        self._last_print_time = 0

    def step_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        loss = loss_of(told.net_outputs)
        epoch, step = told.get("cur_epoch_num", 1), (told.cur_step_num - 1) % told.batch_num + 1
        if not math.isfinite(loss) and not isinstance(told.net_outputs, (tuple, list)):
            raise ValueError(f"For 'LossMonitor': in epoch {epoch}, step {step} the loss is {loss}; training ends")
        if self._per_print_times and told.cur_step_num - self._last_print_time >= self._per_print_times:
            self._last_print_time = told.cur_step_num
            print(f"epoch: {epoch} step: {step}, loss is {loss}", flush=True)

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        if told.get("metrics"):
            print(f"Eval result: epoch {told.cur_epoch_num}, metrics: {told.metrics}", flush=True)
