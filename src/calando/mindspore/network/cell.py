"""Cell: a piece of a network; it owns parameters and smaller cells and knows their names.

The instance's own dictionary is the register: what is a Parameter or a Cell in ``vars(cell)`` belongs to it,
in the order of assignment. So an attribute costs what an attribute costs, and nothing can fall out of step.

A parameter is named by the path to it, at the moment a cell is assigned to its owner:
``net.layer1 = SequentialCell([Conv2d(...)])`` calls the weight ``layer1.0.weight``.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from textwrap import indent
from typing import Any, NoReturn

import torch

from .parameter import Parameter, ParameterTuple, is_nameless

AS_THEY_ARE = (
    "networks here are computed in the types of their parameters: give layers dtype=ms.float16, or cast Tensors"
)
ONE_PROCESS = "calando runs one process and leaves the others to torch; see docs/distributed.md"
HOOKS = ("register_forward_hook", "register_forward_pre_hook", "register_backward_hook", "register_backward_pre_hook")
FOREIGN = {  # methods of MindSpore's Cell that have no meaning here
    **dict.fromkeys(("cast_inputs", "set_mixed_precision_type", "to", "to_float"), AS_THEY_ARE),
    **dict.fromkeys(("pipeline_stage", "set_broadcast_flag", "set_comm_fusion", "shard"), ONE_PROCESS),
    **dict.fromkeys(("add_flags", "compile", "set_inputs", "set_jit_config"), "nothing is compiled here; leave it out"),
    **dict.fromkeys(HOOKS, "put a Cell around it, whose construct sees what goes in and what comes out"),
    **dict.fromkeys(
        ("load_state_dict", "state_dict"),
        "ms.save_checkpoint(cell, path), and ms.load_param_into_net(cell, ms.load_checkpoint(path))",
    ),
    "recompute": "use torch.utils.checkpoint.checkpoint on the cell",
    "register_buffer": "assign a Parameter(…, requires_grad=False), which checkpoints have too",
}


class Cell:
    """The base of all layers and networks: assign parameters and cells in ``__init__``, write ``construct``.

    Args:
        auto_prefix: whether cells assigned to this one have their parameters renamed by the attribute.

    A cell starts in evaluation (``training`` is False), as in MindSpore and unlike torch: call
    ``set_train()`` before training with BatchNorm or Dropout.

    Differs from MindSpore: there is one mode (PyNative; nothing is compiled, ``set_grad`` only sets a flag),
    no hooks, no mixed precision, no ``bprop``. Tensors assigned to a registered parameter are written
    into it, and so are numbers.
    """

    training: bool = False
    requires_grad: bool = False
    _auto_prefix: bool = True

    def __init__(self, auto_prefix: bool = True) -> None:
        self._auto_prefix = auto_prefix

    def construct(self, *args: Any, **kwargs: Any) -> Any:
        """What the cell computes; to be written by every subclass."""
        slip = "; it has a forward(), which is torch's word for it" if hasattr(self, "forward") else ""
        raise NotImplementedError(f"{type(self).__name__} has no construct() and so cannot be called{slip}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.construct(*args, **kwargs)

    # ---- the register

    def __getattr__(self, name: str) -> Any:
        """Reached by names that are nowhere, and by properties that fail with an AttributeError of their own."""
        if hasattr(type(self), name):
            return object.__getattribute__(self, name)
        own = ", ".join(known for known in vars(self) if not known.startswith("_"))
        hint = f"; it has {own}" if own and not name.startswith("_") else ""
        hint = f": {FOREIGN[name]}" if name in FOREIGN else hint
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(getattr(type(self), name, None), "__set__"):  # a property of a subclass decides itself
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self.insert_param_to_cell(name, value)
        elif isinstance(value, Cell):
            if self._auto_prefix:
                value.update_parameters_name(f"{name}.")
            self.insert_child_to_cell(name, value)
        elif isinstance(value, torch.nn.Module):
            setattr(self, name, borrowed(value))
        else:
            if isinstance(value, ParameterTuple):
                for place, member in enumerate(value):
                    if is_nameless(member):
                        member.name = f"{name}.{place}"
                    if vars(self).get(member.name, member) is not member:
                        raise KeyError(f"{type(self).__name__} has another {member.name!r}; rename one of the two")
                    self.insert_param_to_cell(member.name, member)
            former = vars(self).get(name)
            if former is None or value is None:
                object.__setattr__(self, name, value)
            elif isinstance(former, Parameter) and isinstance(value, (torch.Tensor, int, float)):
                former.set_data(value)
            elif isinstance(former, (Parameter, Cell)):
                self._refuse(name, former, value)
            else:
                object.__setattr__(self, name, value)

    def _refuse(self, name: str, former: Any, value: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__}.{name} is a {type(former).__name__} and cannot become a "
            f"{type(value).__name__}; delete the attribute first, or assign None"
        )

    def insert_param_to_cell(self, param_name: str, param: Parameter | None) -> None:
        """Own ``param`` as the attribute ``param_name``, after which it is named if it has no name yet.

        Raises:
            KeyError: when the name belongs to a method, or to the other kind.
            TypeError: when it is no Parameter.
        """
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"{param_name!r} must be a Parameter, not a {type(param).__name__}")
        self._own(param_name, param, Parameter)
        if param is not None and is_nameless(param):
            param.name = param_name

    def insert_child_to_cell(self, child_name: str, child_cell: "Cell | None") -> None:
        """Own ``child_cell`` under ``child_name``, such as ``"0"``; parameters keep their names.

        Raises:
            KeyError: when the name holds a dot or the cell has something else of that name.
            TypeError: when it is neither a Cell nor a module of torch.
        """
        child_cell = borrowed(child_cell)
        if child_cell is not None and not isinstance(child_cell, Cell):
            raise TypeError(f"child {child_name!r} must be a Cell, not a {type(child_cell).__name__}")
        if not child_name or "." in child_name:
            raise KeyError(f"the name of a child must be a text without dots, not {child_name!r}")
        self._own(child_name, child_cell, Cell)

    def _own(self, name: str, value: Any, kind: type) -> None:
        former = vars(self).get(name)
        if not isinstance(former, (Parameter, Cell)):
            vars(self).pop(name, None)  # a plain attribute may be covered, and has no place in the order
            former = getattr(type(self), name, None)
        if not isinstance(former, kind) and (isinstance(former, Parameter) or callable(former)):
            raise KeyError(
                f"{type(self).__name__}.{name} is a {type(former).__name__} already; "
                f"a {kind.__name__} cannot take that name"
            )
        vars(self)[name] = value

    # ---- what is inside

    def _children(self) -> "dict[str, Cell]":
        return {name: value for name, value in vars(self).items() if isinstance(value, Cell)}

    def name_cells(self) -> "OrderedDict[str, Cell]":
        """The immediate children by name, each once."""
        first = {id(child): name for name, child in reversed(self._children().items())}
        return OrderedDict((n, child) for n, child in self._children().items() if first[id(child)] == n)

    def cells(self) -> "list[Cell]":
        """The immediate children, each once."""
        return list(self.name_cells().values())

    def cells_and_names(self, cells: "set[Cell] | None" = None, name_prefix: str = "") -> "Iterator[tuple[str, Cell]]":
        """This cell and all below, each once, with paths: ``('', net), ('layer1', …), ('layer1.0', …)``.

        Args:
            cells: those met already, which are left out.
            name_prefix: path of this cell.
        """
        met = set() if cells is None else cells
        if self in met:
            return
        met.add(self)
        yield name_prefix, self
        for name, child in self._children().items():
            yield from child.cells_and_names(met, f"{name_prefix}.{name}" if name_prefix else name)

    def parameters_and_names(self, name_prefix: str = "", expand: bool = True) -> Iterator[tuple[str, Parameter]]:
        """All parameters, each once, with the paths to them.

        Args:
            name_prefix: path of this cell.
            expand: also those of the cells below.
        """
        met: set[int] = set()
        for path, cell in self.cells_and_names(None, name_prefix) if expand else ((name_prefix, self),):
            for name, value in vars(cell).items():
                if isinstance(value, Parameter) and id(value) not in met:
                    met.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def get_parameters(self, expand: bool = True) -> Iterator[Parameter]:
        """All parameters, each once, trained or not."""
        return (parameter for _, parameter in self.parameters_and_names(expand=expand))

    def trainable_params(self, recurse: bool = True) -> list[Parameter]:
        """The parameters that require gradients."""
        return [parameter for parameter in self.get_parameters(recurse) if parameter.requires_grad]

    def untrainable_params(self, recurse: bool = True) -> list[Parameter]:
        """The parameters that do not: moving statistics, frozen weights, integers."""
        return [parameter for parameter in self.get_parameters(recurse) if not parameter.requires_grad]

    def parameters_dict(self, recurse: bool = True) -> "OrderedDict[str, Parameter]":
        """All parameters by their names."""
        return OrderedDict((parameter.name, parameter) for parameter in self.get_parameters(recurse))

    def update_parameters_name(self, prefix: str = "", recurse: bool = True) -> None:
        """Name every parameter ``prefix`` + path from here, as ``layer1.`` + ``0.weight``."""
        for path, parameter in self.parameters_and_names(expand=recurse):
            parameter.name = prefix + path

    def init_parameters_data(self) -> None:
        """Nothing: first values are there as soon as a layer is made; MindSpore's scripts call it."""

    def apply(self, fn: Callable[["Cell"], Any]) -> "Cell":
        """Call ``fn`` with every cell below, those inside first, and with this one; return it."""
        for child in self.cells():
            child.apply(fn)
        fn(self)
        return self

    # ---- modes

    def set_train(self, mode: bool = True) -> "Cell":
        """Set ``training`` here and below; return the cell."""
        for _, cell in self.cells_and_names():
            cell.training = bool(mode)
        return self

    def set_grad(self, requires_grad: bool = True) -> "Cell":
        """Set the flag ``requires_grad`` here and below; return the cell. ``value_and_grad`` needs none."""
        for _, cell in self.cells_and_names():
            cell.requires_grad = bool(requires_grad)
        return self

    # ---- the printed form

    def extend_repr(self) -> str:
        """What stands between the brackets of the printed form before the children; for subclasses."""
        return ""

    def __repr__(self) -> str:
        said = self.extend_repr()
        children = [f"({name}): {child!r}" for name, child in self._children().items()]
        if not children:
            return f"{type(self).__name__}({said})"
        lines = "\n".join(([said] if said else []) + children)
        return f"{type(self).__name__}(\n{indent(lines, '  ')}\n)"


def borrowed(value: Any) -> Any:
    """A module of torch as a Cell; anything else as it is."""
    if not isinstance(value, torch.nn.Module):
        return value
    from .layers.borrowed import Borrowed

    return Borrowed(value)
