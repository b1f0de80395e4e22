"""Cells of cells: one after the other, or simply a list.

Members are attributes named '0', '1', …; their parameters are ``0.weight`` and, in an owner,
``layer1.0.weight``. After every change of the row all names below follow the new places.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from ..cell import Cell, borrowed


class _Row(Cell):
    """Cells by place: index, slice, length, append, insert, delete."""

    cell_list: tuple[Cell, ...] = ()

    def _arrange(self, cells: Iterable[Any], names: Iterable[str] | None = None) -> None:
        cells = tuple(map(borrowed, cells))
        for place, cell in enumerate(cells):
            if not isinstance(cell, Cell):
                raise TypeError(f"{type(self).__name__} holds Cells; member {place} is a {type(cell).__name__}")
        prefix = self._prefix()
        for name in self._children():
            del vars(self)[name]
        for name, cell in zip(names or map(str, range(len(cells))), cells, strict=True):
            self.insert_child_to_cell(name, cell)
        self.cell_list = cells
        self.update_parameters_name(prefix)

    def _prefix(self) -> str:
        """What owners have put in front of the names: ``layer1.`` when a weight is layer1.0.weight."""
        for path, parameter in self.parameters_and_names():
            if parameter.name.endswith(f".{path}"):
                return parameter.name.removesuffix(path)
        return ""

    def append(self, cell: Cell) -> None:
        """Add a cell at the end."""
        self._arrange((*self.cell_list, cell))

    def extend(self, cells: Iterable[Cell]) -> None:
        """Add cells at the end."""
        self._arrange((*self.cell_list, *cells))

    def insert(self, index: int, cell: Cell) -> None:
        """Add a cell before place ``index``."""
        cells = list(self.cell_list)
        cells.insert(index, cell)
        self._arrange(cells)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return self.cell_list[index]
        part = type(self)()
        for name, cell in list(self._children().items())[index]:
            part.insert_child_to_cell(name, cell)
        part.cell_list = self.cell_list[index]
        part.training = self.training
        return part

    def __setitem__(self, index: int, cell: Cell) -> None:
        cells = list(self.cell_list)
        cells[index] = cell
        self._arrange(cells)

    def __delitem__(self, index: Any) -> None:
        cells = list(self.cell_list)
        del cells[index]
        self._arrange(cells)

    def __len__(self) -> int:
        return len(self.cell_list)

    def __iter__(self) -> Iterator[Cell]:
        return iter(self.cell_list)

    def __bool__(self) -> bool:
        return bool(self.cell_list)


class SequentialCell(_Row):
    """Each cell is called with what the one before returned.

    Args:
        args: cells, or one list of cells, or one dictionary of names to cells; modules of torch become cells.

    A slice is a new row of the same cells, whose parameters keep their names (MindSpore renames them).
    A change of the row numbers the cells of a dictionary anew.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        given = args[0] if len(args) == 1 and not isinstance(args[0], (Cell, torch.nn.Module)) else args
        if isinstance(given, dict):
            self._arrange(given.values(), given.keys())
        elif isinstance(given, (list, tuple)):
            self._arrange(given)
        else:
            raise TypeError(
                f"SequentialCell takes cells, a list of cells or a dictionary of them, not a {type(given).__name__}"
            )

    def construct(self, x: torch.Tensor) -> Any:
        for cell in self.cell_list:
            x = cell(x)
        return x


class CellList(_Row):
    """A list of cells that is not called itself: ``for cell in self.blocks: x = cell(x)``.

    Args:
        cells: a list of cells.
    """

    def __init__(self, cells: Iterable[Cell] = ()) -> None:
        super().__init__()
        self._arrange(cells)

    def construct(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a CellList is a list and cannot be called; call its cells, or use SequentialCell")
