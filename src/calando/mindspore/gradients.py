"""What MindSpore's optimizers do to gradients before an update, one step at a time: for those who write their own.

    decay_weight               g ← g + λ p      λ: the weight decay of the coming step times the loss scale
    gradients_centralization   g ← g - the mean of each row
    scale_grad                 g ← g / loss scale

The optimizers of ``calando.mindspore.nn`` do the same inside their kernels. Here every gradient is an array of its
own framework: a Tensor of calando's or of real MindSpore, a torch tensor, a NumPy array, or a RowTensor.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..member import Member
from .attributes import Attributes
from .boxes import Library


class Gradients(Attributes):
    """A part of every optimizer; ``gradients`` is always a tuple or list in the order of ``parameters``.

    All four return tuples, and none of them changes anything: not the gradients either. They raise ValueError if
    there is not one gradient for each parameter.
    """

    def decay_weight(self, gradients: Sequence[Any]) -> tuple[Any, ...]:
        """The gradients with weight decay added: g + λ p.

        Where λ is 0, and for parameters that decay leaves out ("beta" and "gamma", where there are no groups), they
        are what was given.
        """
        self._listen()
        return self._each(gradients, self._decayed)

    def gradients_centralization(self, gradients: Sequence[Any]) -> tuple[Any, ...]:
        """The gradients without the means of their rows, in groups with ``grad_centralization``.

        A row is all that has one index of the first axis. For every shape of two or more dimensions; MindSpore leaves
        out those whose second axis is no multiple of 16, and has no CPU kernel for the others.
        """
        return self._each(gradients, centered)

    def scale_grad(self, gradients: Sequence[Any]) -> tuple[Any, ...]:
        """The gradients divided by the loss scale."""
        self._listen()
        return self._each(gradients, self._unscaled)

    def flatten_gradients(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """The gradients as they are: parameters are never laid together in one piece of memory here."""
        return gradients

    def _each(self, gradients: Sequence[Any], change: Callable[[Member, Any], Any]) -> tuple[Any, ...]:
        """The gradients, each changed as it has to be for its parameter."""
        refuse_miscounted(f"For '{type(self).__name__}'", gradients, len(self._places))
        members = [self.engine.members[number][i] for number, i in self._places]
        with unrecorded(self._library):
            return tuple(change(member, g) for member, g in zip(members, gradients, strict=True))

    def _decayed(self, member: Member, g: Any) -> Any:
        decay = self._value("weight_decay", member.group) * self._value("loss_scale", member.group)
        return g if member.exempt or decay == 0 else self._with_decay(member, g, decay)

    def _with_decay(self, member: Member, g: Any, decay: float) -> Any:
        """g + decay p; of a sparse gradient its rows."""
        p, factor = member.param, self._library.tensor(decay)
        if is_sparse(g):
            return with_values(g, g.values + p[g.indices] * factor.astype(p.dtype))
        return g + p * factor.astype(p.dtype)

    def _unscaled(self, member: Member, g: Any) -> Any:
        scale = self._value("loss_scale", member.group)
        if scale == 1:
            return g
        factor = self._library.tensor(1 / scale)
        if is_sparse(g):
            return with_values(g, g.values * factor.astype(g.values.dtype))
        return g * factor.astype(g.dtype)


def centered(member: Member, g: Any) -> Any:
    """A gradient without the means of its rows, where its parameter's group asks for it."""
    if not member.centered:
        return g
    if is_sparse(g):
        return with_values(g, without_means(g.values))
    return without_means(g)


def without_means(g: Any) -> Any:
    """Each row minus its mean."""
    if 0 in g.shape:
        return g
    rows, *others = g.shape
    means = g.reshape((rows, -1)).mean(1)
    return g - means.reshape((rows, *(1 for _ in others)))


def is_sparse(g: Any) -> bool:
    """Whether a gradient is a RowTensor."""
    return hasattr(g, "dense_shape")


def with_values(g: Any, values: Any) -> Any:
    """A RowTensor with other values in the same rows."""
    return type(g)(g.indices, values, g.dense_shape)


def refuse_miscounted(place: str, gradients: Any, count: int) -> None:
    """Raise unless there is one gradient for each parameter."""
    if not isinstance(gradients, (tuple, list)):
        raise TypeError(f"{place}: gradients must be a tuple or list, but got {type(gradients).__name__}")
    nested = [
        i for i, g in enumerate(gradients) if isinstance(g, (tuple, list)) and any(hasattr(x, "shape") for x in g)
    ]
    if nested:
        raise TypeError(
            f"{place}: gradient {nested[0]} is a {type(gradients[nested[0]]).__name__}; value_and_grad gives "
            "(value, gradients), so take the gradients out of it: _, grads = grad_fn(…); optimizer(grads)"
        )
    if len(gradients) != count:
        raise ValueError(
            f"{place}: {len(gradients)} gradients for {count} parameters; "
            "give one for each, in the order of optimizer.parameters"
        )


def unrecorded(library: Library) -> AbstractContextManager[Any]:
    """Where no gradient is recorded of what is computed: real MindSpore and NumPy record none by themselves."""
    if library.name != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()
