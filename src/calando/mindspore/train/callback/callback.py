"""What looks on while a Model trains, and may stop it.

    with callbacks:
        begin ─► ( epoch_begin ─► ( step_begin ─► one step ─► step_end )… ─► epoch_end )… ─► end

Each is called as ``on_train_begin(run_context)`` and so on in training and ``on_eval_…`` in evaluation; what a
callback does not define goes to the shorter ``begin(run_context)``.
"""

from contextlib import ExitStack
from types import TracebackType
from typing import Any

from ....nearest import hint


class Callback:
    """The base of all callbacks: define the events of interest.

    ``run_context.original_args()`` holds what is known at the moment, under MindSpore's names: ``cur_epoch_num``
    and ``cur_step_num`` (from 1, over all epochs), ``batch_num`` (steps of an epoch), ``epoch_num``, ``net_outputs``,
    ``network``, ``train_network``, ``optimizer``, ``loss_fn``, ``train_dataset``, ``train_dataset_element``, ``mode``,
    ``metrics`` … Whatever raises in a callback ends the training.

    Example:
        >>> class Last(Callback):
        ...     def on_train_step_end(self, run_context):
        ...         if run_context.original_args().cur_step_num == 100:
        ...             run_context.request_stop()
    """

    def __enter__(self) -> "Callback":
        """Training or evaluation begins; also left when it raises."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It has ended, or raised ``error``."""

    def begin(self, run_context: "RunContext") -> None:
        """Before the first epoch."""

    def epoch_begin(self, run_context: "RunContext") -> None:
        """Before each epoch."""

    def epoch_end(self, run_context: "RunContext") -> None:
        """After each epoch."""

    def step_begin(self, run_context: "RunContext") -> None:
        """Before each step."""

    def step_end(self, run_context: "RunContext") -> None:
        """After each step."""

    def end(self, run_context: "RunContext") -> None:
        """After the last epoch."""

    def on_train_begin(self, run_context: "RunContext") -> None:
        """Before the first epoch of a training."""
        self.begin(run_context)

    def on_train_epoch_begin(self, run_context: "RunContext") -> None:
        """Before each epoch of a training."""
        self.epoch_begin(run_context)

    def on_train_epoch_end(self, run_context: "RunContext") -> None:
        """After each epoch of a training."""
        self.epoch_end(run_context)

    def on_train_step_begin(self, run_context: "RunContext") -> None:
        """Before each step of a training."""
        self.step_begin(run_context)

    def on_train_step_end(self, run_context: "RunContext") -> None:
        """After each step of a training."""
        self.step_end(run_context)

    def on_train_end(self, run_context: "RunContext") -> None:
        """After the last epoch of a training."""
        self.end(run_context)

    def on_eval_begin(self, run_context: "RunContext") -> None:
        """Before an evaluation."""
        self.begin(run_context)

    def on_eval_epoch_begin(self, run_context: "RunContext") -> None:
        """Before the pass of an evaluation."""
        self.epoch_begin(run_context)

    def on_eval_epoch_end(self, run_context: "RunContext") -> None:
        """After the pass of an evaluation."""
        self.epoch_end(run_context)

    def on_eval_step_begin(self, run_context: "RunContext") -> None:
        """Before each batch of an evaluation."""
        self.step_begin(run_context)

    def on_eval_step_end(self, run_context: "RunContext") -> None:
        """After each batch of an evaluation."""
        self.step_end(run_context)

    def on_eval_end(self, run_context: "RunContext") -> None:
        """After an evaluation."""
        self.end(run_context)


class CallbackParams(dict):
    """What callbacks are told: a dictionary whose entries are attributes too.

    Raises:
        AttributeError: nothing of that name is known at the moment; what is.
    """

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(
            f"callbacks know nothing called {name!r}{hint(name, self)}; there are {', '.join(sorted(self))}"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class RunContext:
    """Handed to every event: what is known, and the wish to stop.

    Args:
        original_args: a dictionary.

    Raises:
        TypeError: it is none.
    """

    def __init__(self, original_args: dict[str, Any]) -> None:
        if not isinstance(original_args, dict):
            raise TypeError(f"For 'RunContext': 'original_args' must be a dict, but got {type(original_args).__name__}")
        self._original_args = original_args
        self._stop_requested = False

    def original_args(self) -> Any:
        """What is known at the moment; see :class:`Callback`."""
        return self._original_args

    def request_stop(self) -> None:
        """End the training after this step (in an epoch's end: after this epoch); ``end`` is still called."""
        self._stop_requested = True

    def get_stop_requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop_requested


class CallbackManager:
    """Several callbacks as one, entered and left together.

    Args:
        place: who asks, for errors.
        callbacks: None, a Callback, or a list or tuple of them.

    Raises:
        TypeError: one of them is no Callback.
    """

    def __init__(self, place: str, callbacks: Any) -> None:
        given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        for number, callback in enumerate(given):
            if isinstance(callback, Callback):
                continue
            if isinstance(callback, type) and issubclass(callback, Callback):
                said = f"the class {callback.__name__}; make one: {callback.__name__}(…)"
            else:
                said = f"{callback if callback is None else type(callback).__name__}"
            where = f"callback {number}" if isinstance(callbacks, (list, tuple)) else "'callbacks'"
            raise TypeError(f"For '{place}': {where} must be a Callback of calando.mindspore.train, but got {said}")
        self.callbacks: list[Callback] = given
        self._stack = ExitStack()

    def __enter__(self) -> "CallbackManager":
        with ExitStack() as stack:
            entered = [(callback, stack.enter_context(callback)) for callback in self.callbacks]
            self._stack = stack.pop_all()
        self.callbacks = [inner if isinstance(inner, Callback) else outer for outer, inner in entered]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def tell(self, event: str, run_context: RunContext) -> None:
        """Call one event, such as ``on_train_step_end``, of every callback, in their order."""
        for callback in self.callbacks:
            getattr(callback, event)(run_context)


def loss_of(net_outputs: Any) -> float:
    """The loss among what a training step gives: the first of several, the mean over a batch."""
    first = net_outputs[0] if isinstance(net_outputs, (tuple, list)) else net_outputs
    return float(first.asnumpy().mean()) if hasattr(first, "asnumpy") else float(first)
