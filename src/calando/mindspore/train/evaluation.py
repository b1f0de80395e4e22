"""A network measured over a whole data set."""

from typing import Any

import torch

from ..network.cell import Cell
from ..network.wrap import WithEvalCell, cell
from . import callback
from .batches import Batches
from .callback.callback import Callback, CallbackManager, CallbackParams, RunContext
from .metrics import Loss, named

LOSS, OUTPUTS, LABEL = 0, 1, 2  # what an evaluation network gives, in this order


class Evaluation:
    """The metrics of a Model, and the Cell whose outputs they take.

    Args:
        network, loss_fn: of the Model.
        metrics, eval_network, eval_indexes: as the Model was given them.

    ``network`` is that Cell; None where there are neither metrics nor an eval_network.

    Raises:
        TypeError, ValueError, KeyError: as the Model.
    """

    def __init__(self, network: Cell, loss_fn: Any, metrics: Any, eval_network: Any, eval_indexes: Any) -> None:
        self.metrics = named("Model", metrics)
        self.network = None if eval_network is None else cell("Model", "eval_network", eval_network)
        self.indexes = eval_indexes
        if eval_indexes is not None and not (isinstance(eval_indexes, list) and len(eval_indexes) == 3):
            raise ValueError(
                "For 'Model': 'eval_indexes' must be a list with the places of loss, predictions and labels, but got "
                f"{eval_indexes!r}"
            )
        if not self.metrics or eval_network is not None:
            return
        if loss_fn is None:
            raise ValueError("For 'Model': 'metrics' need a 'loss_fn', or an 'eval_network' that gives what they take")
        self.network = WithEvalCell(network, loss_fn)
        self.indexes = [LOSS, OUTPUTS, LABEL]

    def check(self, place: str) -> None:
        """Refuse to evaluate without metrics."""
        if not self.metrics:
            raise ValueError(f"For '{place}': the Model has no 'metrics'; give it some, as metrics={{'loss'}}")

    def run(self, told: CallbackParams, seen: CallbackManager, batches: Batches) -> dict[str, Any]:
        """One pass without training; the figures by name. ``check`` has made sure that there is a network."""
        assert self.network is not None
        run = RunContext(told)
        for metric in self.metrics.values():
            metric.clear()
        told.eval_loss = Loss()
        seen.tell("on_eval_begin", run)
        seen.tell("on_eval_epoch_begin", run)
        self.network.set_train(False)
        with torch.no_grad():
            for batch in batches:
                told.cur_step_num += 1
                told.eval_dataset_element = batch
                seen.tell("on_eval_step_begin", run)
                told.net_outputs = self.network(*batch)
                seen.tell("on_eval_step_end", run)
                self._measure(told, told.net_outputs)
                if run.get_stop_requested():
                    break
        if not told.cur_step_num:
            raise batches.nothing(told.get("cur_epoch_num", 1), 0)
        seen.tell("on_eval_epoch_end", run)
        told.metrics = {name: metric.eval() for name, metric in self.metrics.items()}
        seen.tell("on_eval_end", run)
        return told.metrics

    def _measure(self, told: CallbackParams, given: Any) -> None:
        """Hand what the evaluation network gave to the metrics."""
        outputs = given if isinstance(given, tuple) else (given,)
        if self.indexes is None:
            for metric in self.metrics.values():
                metric.update(*outputs)
            return
        if len(outputs) <= max(self.indexes):
            raise ValueError(
                f"For 'Model': 'eval_indexes' {self.indexes} ask for more than the {len(outputs)} outputs of the "
                "eval_network"
            )
        loss, predictions, labels = (outputs[place] for place in self.indexes)
        told.eval_loss.update(loss)
        for metric in self.metrics.values():
            metric.update(loss) if isinstance(metric, Loss) else metric.update(predictions, labels)

    def validate(self, told: CallbackParams, seen: CallbackManager, batches: Batches) -> None:
        """An evaluation in the middle of a training; afterwards callbacks are told about the training again."""
        kept = {name: told[name] for name in ("cur_step_num", "batch_num", "net_outputs")}
        own = CallbackManager("Model.fit", [each for each in seen.callbacks if looks_on(each)])
        told.update(mode="eval", cur_step_num=0, batch_num=batches.size, valid_dataset=batches.dataset)
        told.eval_network = self.network
        figures = self.run(told, own, batches)
        told.update(kept, mode="train")
        told.eval_results = dict(figures)
        if told.eval_loss.count:
            told.eval_results["eval_loss"] = told.eval_loss.eval()


def looks_on(each: Callback) -> bool:
    """Whether a callback is called in the evaluation of ``Model.fit``: TimeMonitor, and those of one's own."""
    return isinstance(each, callback.TimeMonitor) or not type(each).__module__.startswith(callback.__name__)
