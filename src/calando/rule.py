"""What an update rule is: a body for one element, and the few numbers it needs at a step.

A *rule* is the arithmetic of one optimizer. Its ``element`` takes the parameter, the gradient, the
rule's *slots* (arrays kept beside the parameter) and its *scalars* (numbers that are the same for
every element), and gives back the new parameter and slots. It has no branches and no literals: a
branch is another rule, and a literal would promote float32. The scalars are prepared once per step in
float64 by ``scalars(hyper, age)``.

    hyper   a mapping from the names in ``domain`` to the numbers in force
    age     how many updates this parameter has had, this one included: 1, 2, …

The mathematics states the bounds: ``domain`` gives every hyperparameter its half-open interval
``[low, high)`` in which the formula makes sense.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

Domain = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Rule:
    """One update rule; checked when it is made, so that a slip cannot reach a kernel.

    Args:
        name: unique among rules; kernels and checkpoints are found by it.
        slots: names of the arrays kept beside each parameter, all of its shape, starting at zero.
        domain: hyperparameter → [low, high).
        scalars: (hyper, age, *memory) → a NamedTuple of floats.
        element: (p, g, *slots, *scalars) → p or (p, *slots).
        source: paper and equation, or framework and version.
        memory: names of the few numbers (float32, as in torch) that each parameter remembers from step to
            step, where hyper and age do not tell all.
        first: hyper → the memory before the first update.
        remember: (hyper, age, *memory) → the memory after this update.
        kernel: whether a kernel may be compiled from it; False where a word is not exact everywhere.
        measure: for a rule that needs norms: what to take them of, a body with the arguments of ``element``
            save the last, which gives a tuple. It costs one more reading pass.
        trust: (hyper, *norms) → the last argument of ``element``; norms are 2-norms over one whole
            parameter, one for each member of that tuple.

        whole: whether ``element`` is played on the arrays of the framework themselves, one parameter at a time,
            because it multiplies matrices or takes means; then it may branch on their shape.
        shapes: shape of a parameter → shapes of its slots, where they are not the parameter's own.
        inner: the rule that this one plays before it averages p (``calando.average``).
        flat: the rule for parameters of fewer than two dimensions, where it is another one.
        factored: of a whole rule whose second moments are a row and a column, the bodies that ``element`` joins
            (``rules.whole.factored``); kernels are compiled from them.
        matrices: of a whole rule for matrices, whether what it does with them besides multiplying may be compiled
            (``kernels.recorded``).

    Raises:
        TypeError: the arguments of ``element`` or ``measure`` are not exactly p, g, the slots and the scalars
            (and ``trust``).
    """

    name: str
    slots: tuple[str, ...]
    domain: Domain
    scalars: Callable[..., tuple[float, ...]]
    element: Callable[..., Any]
    source: str
    memory: tuple[str, ...] = ()
    first: Callable[[Mapping[str, float]], tuple[float, ...]] | None = None
    remember: Callable[..., tuple[float, ...]] | None = None
    kernel: bool = True
    measure: Callable[..., Any] | None = None
    trust: Callable[..., float] | None = None
    whole: bool = False
    shapes: Callable[[tuple[int, ...]], Mapping[str, tuple[int, ...]]] | None = None
    flat: "Rule | None" = None
    inner: "Rule | None" = None
    factored: Any = None
    matrices: bool = False

    def __post_init__(self) -> None:
        wanted = ("p", "g", *self.slots, *self.scalar_names)
        bodies = {"element": (self.element, wanted)}
        if self.measure is not None:
            bodies = {"element": (self.element, (*wanted, "trust")), "measure": (self.measure, wanted)}
        for name, (body, arguments) in bodies.items():
            found = tuple(signature(body).parameters)
            if found != arguments:
                raise TypeError(f"rule {self.name}: {name} takes {found}, but its slots and scalars are {arguments}")

    def __hash__(self) -> int:
        return hash(self.name)

    def suited(self, shape: tuple[int, ...]) -> "Rule":
        """The rule for a parameter of this shape."""
        return self.flat if self.flat is not None and len(shape) < 2 else self

    def slot_shapes(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """The shapes of the slots of a parameter of this shape."""
        own = self.shapes(shape) if self.shapes is not None else {}
        return {name: tuple(own.get(name, shape)) for name in self.slots}

    @property
    def scalar_names(self) -> tuple[str, ...]:
        """The names of the scalars, in the order of the element's arguments."""
        return fields_of(self.scalars)


def fields_of(scalars: Callable[..., Any]) -> tuple[str, ...]:
    """The field names of the NamedTuple that a function declares to return."""
    returned = scalars.__annotations__.get("return")
    names = getattr(returned, "_fields", None)
    if names is None:
        raise TypeError(f"{scalars.__qualname__} must declare the NamedTuple that it returns")
    return names
