"""What an import means inside a project: through packages that hand on names, stars, and the nearest of files alike."""

from __future__ import annotations

from collections.abc import Iterable

from .scopes import File


class Modules:
    """The files of a project by the names that they are imported under."""

    def __init__(self, files: Iterable[File]) -> None:
        self.files = list(files)
        self.exact = {file.module: file for file in self.files}
        self.memory: dict[tuple[str, str], File | None] = {}
        self.meant: dict[tuple[str, str], tuple[File, str]] = {}

    def file(self, module: str, asking: File) -> File | None:
        """The file that a module of this name is, for a file that asks.

        Scripts import beside themselves, so the end of a file's own name is enough; of several files alike it is
        the one that shares most folders with the file that asks, and none where two are as near.
        """
        key = module, asking.module
        if key not in self.memory:
            self.memory[key] = None  # an import in a circle leads nowhere
            self.memory[key] = self._file(module, asking)
        return self.memory[key]

    def _file(self, module: str, asking: File) -> File | None:
        if not module:
            return None
        if module in self.exact:
            return self.exact[module]
        alike = [file for file in self.files if file.module.endswith(f".{module}")]
        if alike:
            near = sorted(alike, key=lambda file: -shared(file, asking))
            tied = len(near) > 1 and shared(near[0], asking) == shared(near[1], asking)
            return None if tied else near[0]
        found = self.found(module, asking)  # a module that a package hands on
        return self.file(found[0].names.aliases.get(found[1], ""), found[0]) if found else None

    def found(self, dotted: str, asking: File) -> tuple[File, str] | None:
        """The file that defines what a full name means, and its name there."""
        module, _, name = dotted.rpartition(".")
        file = self.file(module, asking) if name else None
        return self.named(file, name) if file else None

    def named(self, file: File, name: str) -> tuple[File, str]:
        """The file that defines what a name of a file means, and its name there."""
        key = file.module, name
        if key not in self.meant:
            self.meant[key] = self._named(file, name, ())
        return self.meant[key]

    def _named(self, file: File, name: str, seen: tuple[File, ...]) -> tuple[File, str]:
        if name in file.top.local or file in seen:
            return file, name
        full = file.names.aliases.get(name)
        if full is None:
            for star in file.names.stars:
                other = self.file(star, file)
                found = self._named(other, name, (*seen, file)) if other and other is not file else None
                if found and (found[1] in found[0].top.local or found[1] in found[0].names.aliases):
                    return found
            return file, name
        module, _, tail = full.rpartition(".")
        other = self.file(module, file) if module else None
        return self._named(other, tail, (*seen, file)) if other and other is not file else (file, name)


def shared(file: File, asking: File) -> int:
    """How many folders two files share, from the top."""
    count = 0
    for a, b in zip(file.module.split(".")[:-1], asking.module.split(".")[:-1], strict=False):
        if a != b:
            break
        count += 1
    return count
