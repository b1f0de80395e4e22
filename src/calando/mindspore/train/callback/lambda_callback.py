"""A callback made of functions."""

from collections.abc import Callable

from .callback import Callback, RunContext

EVENTS = (
    "on_train_epoch_begin",
    "on_train_epoch_end",
    "on_train_step_begin",
    "on_train_step_end",
    "on_train_begin",
    "on_train_end",
    "on_eval_epoch_begin",
    "on_eval_epoch_end",
    "on_eval_step_begin",
    "on_eval_step_end",
    "on_eval_begin",
    "on_eval_end",
)


class LambdaCallback(Callback):
    """Functions of ``run_context``, each for one event: ``LambdaCallback(on_train_step_end=f)``.

    Args:
        functions: event → function; events are the methods of Callback that begin with ``on_``.

    Raises:
        TypeError: an event that does not exist, or what cannot be called.
    """

    def __init__(self, **functions: Callable[[RunContext], None] | None) -> None:
        for event, function in functions.items():
            if event not in EVENTS:
                raise TypeError(f"For 'LambdaCallback': no event is called {event!r}; there are {', '.join(EVENTS)}")
            if function is not None and not callable(function):
                raise TypeError(f"For 'LambdaCallback': {event!r} must be a function, but got {function!r}")
            if function is not None:
                setattr(self, event, function)
