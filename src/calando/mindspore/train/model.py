"""Model: a network, its loss and its optimizer, trained and evaluated over whole data sets."""

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..network.cell import Cell
from ..network.scaling import TrainOneStepWithLossScaleCell
from ..network.wrap import TrainOneStepCell, WithLossCell, called, cell, stepping
from .batches import Batches, tensor
from .callback.callback import CallbackManager, CallbackParams, RunContext
from .callback.progress import bar_for
from .evaluation import Evaluation
from .loss_scale_manager import LossScaleManager


class Model:
    """Trains a network in MindSpore's manner.

    Args:
        network: a Cell: the network when there is a ``loss_fn``; else it gives the loss itself, or is a
            TrainOneStepCell with its own optimizer.
        loss_fn: a Cell or function of (outputs, label), or None. With it, batches are (data, label).
        optimizer: of calando.mindspore.nn, over the network's parameters.
        metrics: a set of names, ``{"accuracy"}``, or a dictionary of names and Metrics; for ``eval`` and ``fit``.
        eval_network: gives what the metrics take; made of network and loss_fn when None.
        eval_indexes: places of (loss, predictions, labels) in what ``eval_network`` gives; None: everything goes to
            every metric.
        amp_level, boost_level: only "O0".
        loss_scale_manager: a FixedLossScaleManager or DynamicLossScaleManager.
        keep_batchnorm_fp32: accepted; BatchNorm computes in the type of its parameters in any case.

    ``train_network``, ``eval_network`` and ``predict_network`` are the Cells that do the work.

    Differs from MindSpore: data sets may be any iterable of batches; there is a bar on a terminal (``progress=False``
    leaves it out); Fixed and Dynamic loss scales work on CPU; the loss need not be a Cell.

    Raises:
        TypeError, ValueError, KeyError: an argument that cannot be used, an optimizer over another network's
            parameters, metrics without a loss or an eval_network.
    """

    def __init__(
        self,
        network: Cell,
        loss_fn: Any = None,
        optimizer: Any = None,
        metrics: Any = None,
        eval_network: Cell | None = None,
        eval_indexes: list[int] | None = None,
        amp_level: str = "O0",
        boost_level: str = "O0",
        *,
        loss_scale_manager: LossScaleManager | None = None,
        keep_batchnorm_fp32: bool | None = None,
    ) -> None:
        self._network = cell(self, "network", network)
        self._loss_fn = None if loss_fn is None else called(self, "loss_fn", loss_fn)
        self._optimizer = None if optimizer is None else stepping(self, optimizer)
        self._loss_scale_manager = loss_scale_manager
        for name, level in (("amp_level", amp_level), ("boost_level", boost_level)):
            if level != "O0":
                raise ValueError(
                    f"For 'Model': {name!r} must be 'O0', but got {level!r}; networks here are computed in the types "
                    "of their parameters"
                )
        self._check_parameters()
        self._train_network = self._trained()
        self._evaluation = Evaluation(self._network, self._loss_fn, metrics, eval_network, eval_indexes)

    def _check_parameters(self) -> None:
        """Refuse an optimizer that has nothing to do with the network."""
        if self._optimizer is None:
            return
        cells = [part for part in (self._network, self._loss_fn) if isinstance(part, Cell)]
        own = {id(parameter) for part in cells for parameter in part.get_parameters()}
        if own.isdisjoint(id(parameter) for parameter in self._optimizer.parameters):
            names = ", ".join(str(getattr(p, "name", p)) for p in self._optimizer.parameters[:3])
            raise ValueError(
                f"For 'Model': the optimizer trains none of the network's parameters, but others ({names} …); make it "
                "with network.trainable_params() of this very network"
            )

    def _trained(self) -> Cell:
        """The Cell that makes one step."""
        manager, network, optimizer = self._loss_scale_manager, self._network, self._optimizer
        if manager is not None and not isinstance(manager, LossScaleManager):
            raise TypeError(
                "For 'Model': 'loss_scale_manager' must be a FixedLossScaleManager or DynamicLossScaleManager, but "
                f"got {type(manager).__name__}"
            )
        if manager is not None and optimizer is None:
            raise ValueError("For 'Model': 'loss_scale_manager' needs an 'optimizer'")
        if self._loss_fn is not None:
            network = WithLossCell(network, self._loss_fn)
        if optimizer is None:
            return network
        if manager is None:
            return TrainOneStepCell(network, optimizer)
        update = manager.get_update_cell()
        if update is not None:
            return TrainOneStepWithLossScaleCell(network, optimizer, update)
        scale = manager.get_loss_scale()
        if optimizer.loss_scale != scale:
            warnings.warn(
                f"the loss is multiplied by {scale:g}, and the optimizer divides gradients by its loss_scale "
                f"{optimizer.loss_scale:g}: give it loss_scale={scale:g}, or the manager drop_overflow_update=True",
                stacklevel=3,
            )
        return TrainOneStepCell(network, optimizer, scale)

    @property
    def train_network(self) -> Cell:
        """The Cell that makes one training step."""
        return self._train_network

    @property
    def eval_network(self) -> Cell | None:
        """The Cell that is evaluated; None without metrics."""
        return self._evaluation.network

    @property
    def predict_network(self) -> Cell:
        """The network itself."""
        return self._network

    # Training.

    def train(
        self,
        epoch: int,
        train_dataset: Any,
        callbacks: Any = None,
        dataset_sink_mode: bool = False,
        sink_size: int = -1,
        initial_epoch: int = 0,
        *,
        progress: bool = True,
    ) -> None:
        """Train for ``epoch`` passes over a data set.

        Args:
            epoch: number of the last epoch, at least 1.
            train_dataset: gives batches, anew for each epoch; see :class:`Batches`.
            callbacks: a Callback, or a list of them.
            dataset_sink_mode, sink_size: of accelerators; here every step is seen by the callbacks, and an epoch is a
                whole pass, so ``sink_size`` must be -1 or the size of the data set.
            initial_epoch: epochs that count as done.
            progress: whether to draw a bar where standard output is a terminal.

        Raises:
            TypeError, ValueError: an argument that cannot be used; nothing has changed. Also for a batch that does not
                fit the network, or an epoch without batches.
        """
        place = "Model.train"
        self._train(place, epoch, train_dataset, callbacks, dataset_sink_mode, sink_size, initial_epoch, progress)

    def fit(
        self,
        epoch: int,
        train_dataset: Any,
        valid_dataset: Any = None,
        valid_frequency: int | Sequence[int] = 1,
        callbacks: Any = None,
        dataset_sink_mode: bool = False,
        valid_dataset_sink_mode: bool = False,
        sink_size: int = -1,
        initial_epoch: int = 0,
        *,
        progress: bool = True,
    ) -> None:
        """Train as :meth:`train`, and evaluate on the way.

        Args:
            valid_dataset: gives batches, or None.
            valid_frequency: epochs from one evaluation to the next, or a list of the epochs that end with one.

        At the end of such an epoch callbacks see ``metrics``, and ``eval_results`` with ``eval_loss`` besides (over all
        batches; MindSpore keeps the last batch's). In the evaluation only TimeMonitor and callbacks of one's own are
        called.

        Raises:
            TypeError, ValueError: as :meth:`train`; a valid_dataset without metrics; a valid_frequency below 1.
        """
        valid = None
        if valid_dataset is not None:
            self._evaluation.check("Model.fit")
            valid = Batches("Model.fit", valid_dataset, 2)
        due = epochs_of(valid_frequency)
        self._train(
            "Model.fit",
            epoch,
            train_dataset,
            callbacks,
            dataset_sink_mode,
            sink_size,
            initial_epoch,
            progress,
            valid,
            due,
        )

    def _train(
        self,
        place: str,
        epoch: Any,
        dataset: Any,
        callbacks: Any,
        sinks: Any,
        sink_size: Any,
        initial: Any,
        progress: bool,
        valid: Batches | None = None,
        due: Callable[[int], bool] = bool,
    ) -> None:
        """Check everything, then train."""
        counted(place, "epoch", epoch, 1)
        counted(place, "initial_epoch", initial, 0)
        if initial >= epoch:
            raise ValueError(f"For '{place}': 'epoch' must be above 'initial_epoch', but got {epoch} and {initial}")
        self._check_trainable(place)
        batches = Batches(place, dataset, epoch - initial)
        if not isinstance(sinks, bool):
            raise TypeError(f"For '{place}': 'dataset_sink_mode' must be True or False, but got {sinks!r}")
        if sink_size != -1:
            counted(place, "sink_size", sink_size, 1)
        if sinks and sink_size not in (-1, batches.size):
            raise ValueError(
                f"For '{place}': 'sink_size' must be -1 or the size of the dataset, {batches.size}, but got "
                f"{sink_size!r}: an epoch is a whole pass here"
            )
        seen = CallbackManager(place, callbacks)
        seen.callbacks += bar_for() if progress else []
        told = self._told("train", batches, epoch=epoch, initial=initial)
        told.list_callback = seen.callbacks
        if valid is not None:
            told.valid_dataset = valid.dataset
        with seen:
            seen.tell("on_train_begin", run := RunContext(told))
            for number in range(initial + 1, epoch + 1):
                told.cur_epoch_num = number
                self._epoch(place, seen, run, batches)
                if valid is not None and due(number):
                    self._evaluation.validate(told, seen, valid)
                seen.tell("on_train_epoch_end", run)
                told.pop("metrics", None)
                told.pop("eval_results", None)
                if run.get_stop_requested():
                    break
            seen.tell("on_train_end", run)

    def _epoch(self, place: str, seen: CallbackManager, run: RunContext, batches: Batches) -> None:
        """One pass, up to the evaluation."""
        told, steps, first = run.original_args(), 0, run.original_args().cur_step_num == 0
        seen.tell("on_train_epoch_begin", run)
        self._train_network.set_train(True)
        for batch in batches:
            self._check_batch(place, batch, new=not steps)
            steps += 1
            told.cur_step_num += 1
            if batches.size is None and first:
                told.batch_num = steps  # not known before the first pass is over
            told.train_dataset_element = batch
            seen.tell("on_train_step_begin", run)
            told.net_outputs = self._train_network(*batch)
            self._follow_scale(told.net_outputs)
            seen.tell("on_train_step_end", run)
            if run.get_stop_requested():
                break
        if not steps:
            raise batches.nothing(told.cur_epoch_num, told.cur_step_num)

    def _follow_scale(self, net_outputs: Any) -> None:
        """Tell the loss scale manager about overflow."""
        manager = self._loss_scale_manager
        if manager is not None and manager.get_drop_overflow_update():
            manager.update_loss_scale(bool(net_outputs[1]))

    def _check_trainable(self, place: str) -> None:
        if self._optimizer is not None or optimizer_in(self._network) is not None:
            return
        raise ValueError(
            f"For '{place}': nothing would be trained: the Model has no 'optimizer', and the network none of its own "
            "(as a TrainOneStepCell has)"
        )

    def _check_batch(self, place: str, batch: tuple[Any, ...], new: bool) -> None:
        """Refuse a batch that does not fit, before the step; ``new``: the first of an epoch."""
        if self._loss_fn is not None:
            if len(batch) != 2:
                raise ValueError(
                    f"For '{place}': with a 'loss_fn' a batch is (data, label), but the dataset gave {len(batch)} "
                    f"member{'s'[: len(batch) != 1]}"
                )
            return
        if not new:
            return
        try:
            inspect.signature(self._network.construct).bind(*batch)
        except TypeError as slip:
            raise TypeError(
                f"For '{place}': without a 'loss_fn' the network is called with all {len(batch)} members of a batch "
                f"and gives the loss, but {type(self._network).__name__}.construct does not take them ({slip}); give "
                "the Model a 'loss_fn', or wrap the network in nn.WithLossCell"
            ) from None

    # Evaluation.

    def eval(self, valid_dataset: Any, callbacks: Any = None, dataset_sink_mode: bool = False) -> dict[str, Any]:
        """One pass over a data set without training: a figure for each metric, by name.

        Raises:
            TypeError, ValueError: no metrics; a data set or callbacks that cannot be used.
        """
        place = "Model.eval"
        self._evaluation.check(place)
        batches = Batches(place, valid_dataset)
        seen = CallbackManager(place, callbacks)
        told = self._told("eval", batches)
        told.list_callback = seen.callbacks
        with seen:
            return self._evaluation.run(told, seen, batches)

    def predict(self, *predict_data: Any) -> Any:
        """What the network gives for one batch, without training: Tensors or arrays in, Tensors out.

        The network is in evaluation afterwards; ``train`` sets it back.
        """
        self._network.set_train(False)
        with torch.no_grad():
            return self._network(*(tensor(each) for each in predict_data))

    def _told(self, mode: str, batches: Batches, epoch: int = 1, initial: int = 0) -> CallbackParams:
        """What callbacks are told from the beginning."""
        told = CallbackParams(
            mode=mode,
            cur_step_num=0,
            batch_num=batches.size,
            network=self._network,
            loss_fn=self._loss_fn,
            optimizer=self._optimizer if self._optimizer is not None else optimizer_in(self._network),
            parallel_mode="stand_alone",
            device_number=1,
            dataset_sink_mode=False,
            loss_scale_mananger=self._loss_scale_manager,  # spelled as in MindSpore
        )
        if mode == "eval":
            told.update(eval_network=self._evaluation.network, valid_dataset=batches.dataset)
        else:
            told.update(cur_epoch_num=initial, epoch_num=epoch - initial, last_epoch_num=epoch)
            told.update(train_network=self._train_network, train_dataset=batches.dataset, train_batches=batches)
            told.update(initial_step=0, train_dataset_element=None, last_save_ckpt_step=None, latest_ckpt_file=None)
        return told


def optimizer_in(network: Cell) -> Any:
    """The optimizer that a Cell keeps for itself; None where it has none."""
    for _, part in network.cells_and_names():
        for value in vars(part).values():
            if hasattr(value, "global_step") and callable(value) and hasattr(value, "parameters"):
                return value
    return None


def epochs_of(valid_frequency: Any) -> Callable[[int], bool]:
    """Whether an epoch ends with an evaluation.

    Raises:
        ValueError: the frequency is neither an int from 1 on nor a list of epochs.
    """
    if isinstance(valid_frequency, (list, tuple)):
        return lambda number: number in valid_frequency
    if isinstance(valid_frequency, bool) or not isinstance(valid_frequency, int) or valid_frequency < 1:
        raise ValueError(
            "For 'Model.fit': 'valid_frequency' must be an int from 1 on or a list of epochs, but got "
            f"{valid_frequency!r}"
        )
    return lambda number: number % valid_frequency == 0


def counted(place: str, name: str, value: Any, least: int) -> None:
    """Refuse what is no int from ``least`` on.

    Raises:
        TypeError, ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"For '{place}': {name!r} must be an int, but got {value!r} ({type(value).__name__})")
    if value < least:
        raise ValueError(f"For '{place}': {name!r} must be at least {least}, but got {value}")
