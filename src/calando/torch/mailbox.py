"""Who owns the numbers in ``param_groups``: ours are *posted* after a step, others' are *collected* before the next.

What was not posted was written from outside (by the user, one of torch's schedulers, a trainer) and wins. The same
holds for the clock, for structural choices, for the parameters of a group and for the group's dictionary itself.
"""

from collections.abc import Mapping, Sequence
from operator import is_, itemgetter
from typing import Any
from warnings import warn

from ..control import signed, whole
from ..hyper import UnknownName, is_number
from ..member import enlist
from ..spelling import Spelling, meant, spelled, translated, unpacked
from .boxes import boxed, refilled, unboxed
from .faces import alike
from .guests import refuse_unknown
from .layered import layered
from .refusals import HINTS, STRUCTURE, refuse_choices, refuse_formless, refuse_hints
from .state import Stateful

CHOICES = (*STRUCTURE, *HINTS)


class Mailbox(Stateful):
    """The part of ``Optimizer`` that hears what others write into ``param_groups`` and ``state``."""

    _warned = False  # of a scheduler beside a schedule; once is enough

    def _listen(self) -> None:
        self._playing()

    def _playing(self) -> list[int]:
        """Take over what was written from outside; the numbers of the groups that are there.

        Everything is checked before anything is taken over.
        """
        self.engine.catch_up()
        try:
            return self._heard()
        except (AttributeError, KeyError, TypeError):
            refuse_formless(f"For {type(self).__name__!r}", self.param_groups, self.state)
            raise

    def _heard(self) -> list[int]:
        """As ``_playing``, where groups and state are built as torch builds them."""
        playing = self._numbers()
        if not self._state_is_ours():
            self._adopt_state()
        for part in self.engine.parts if self.AGED else ():
            part.reflect()
        if self.engine.parts is not self._shown:
            self._show_state()
        written = [self._written(number, group) for number, group in zip(playing, self.param_groups, strict=True)]
        changed = []
        for number, group, found in zip(playing, self.param_groups, written, strict=True):
            known, there = self.engine.groups[number].params, group["params"]
            others = not alike(known, there)
            if others:
                self._admit(number, group)
            if found is not None or others:
                changed.append((number, group, found))
        if changed:
            self.engine.commit(lambda: self._take(changed))
        return playing

    def _take(self, changed: Sequence[tuple[int, dict[str, Any], tuple[int, dict[str, Any]] | None]]) -> None:
        """What the outside wrote into these groups holds from now on."""
        for number, group, found in changed:
            if not alike(self.engine.groups[number].params, group["params"]):
                self.engine.exchange(number, self._group(group, self.engine.hypers[number]))
                self._adopt_state()
            if found is not None:
                self._take_over(number, group, *found)

    def _numbers(self) -> list[int]:
        """Which of our groups the dictionaries in ``param_groups`` are; new ones are taken in."""
        known, there = self._dicts, self.param_groups
        if alike(known, there):
            return list(range(len(known)))
        return [self._number(group) for group in there]

    def _number(self, group: dict[str, Any]) -> int:
        """The number of one group: the same dictionary, or another one over the same parameters."""
        for number, known in enumerate(self._dicts):
            if known is group:
                return number
        for number, members in enumerate(self.engine.members):
            if alike([m.param for m in members], group["params"]):
                self._dicts[number] = group
                return number
        raise ValueError(
            f"{type(self).__name__}: param_groups holds a group that add_param_group has not seen; "
            "add it with add_param_group"
        )

    def _written(self, number: int, group: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """What the outside wrote into one group, checked: its clock, and entries by our names; None: nothing."""
        left = self._left[number]  # in most steps all that stands there is what we have left there
        if alike(left, group.values()) and group["step"] == self.engine.clocks[number]:
            return None
        posted, hyper = self._posted[number], self.engine.hypers[number]
        if len(group) != self._sizes[number]:
            refuse_unknown(hyper.place, group, self.spelling, self.defaults, self._for_all())
            self._sizes[number] = len(group)
        try:
            step, changed = group["step"], [name for name in posted if group[name] is not posted[name]]
        except KeyError:
            self._put_back(number, group)
            return self._written(number, group)
        boxes = self._boxes[number]
        if boxes:  # seldom
            changed += [n for n, old in boxes.items() if n not in changed and unboxed(hyper.place, n, group[n]) != old]
        same = all(map(is_, self._structures[number], map(group.get, CHOICES)))
        if same and not changed and type(step) is int and step == self.engine.clocks[number]:
            return None
        self._put_back(number, group)
        refuse_choices(hyper.place, group)
        refuse_hints(hyper.place, group)
        clock = whole(f"{hyper.place}: 'step'", step)
        found = {}
        for name in changed:
            names, before = self.spelling[name], boxes.get(name, posted[name])
            value = unboxed(hyper.place, name, group[name])
            if not isinstance(names, tuple):
                names, value, before = (names,), (value,), (before,)
            for ours, new, old in zip(names, unpacked(hyper.place, name, value, len(names)), before, strict=True):
                if new is not old and not (is_number(new) and new == old and not isinstance(new, bool)):
                    found[ours] = hyper.checked(ours, layered(hyper.place, group, ours, meant(ours, new)), clock)
        if self._structures[number] != self._structure(group):
            self._admit(number, group)
        if clock != self.engine.clocks[number]:
            # A clock with the number that the schedule has there: a group was restored, not overruled.
            found = {ours: entry for ours, entry in found.items() if entry != hyper.coming(clock).get(ours)}
        return clock, found

    def _put_back(self, number: int, group: dict[str, Any]) -> None:
        """What torch's class has not in its groups, where somebody built this one anew without knowing it.

        Raises:
            UnknownName: it lacks what torch's class has, too.
        """
        own = {name: old for name, old in self._posted[number].items() if name not in self.SPELLING}
        own["step"] = self.engine.clocks[number]
        choices = [name for name in STRUCTURE if name in self.defaults]
        gone = [name for name in (*self.SPELLING, *choices) if name not in group]
        if gone:
            place = self.engine.hypers[number].place
            raise UnknownName(f"{place}: {gone[0]!r} was taken out of param_groups; put it back")
        group.update({name: value for name, value in own.items() if name not in group})

    def _admit(self, number: int, group: dict[str, Any]) -> None:
        """Raise where a group could not be updated with the choices that stand in it now."""
        made = self._group(group, self.engine.hypers[number])
        try:
            self.engine.admit([enlist(made, number)], [made])
        except (TypeError, ValueError) as problem:
            raise signed(type(self).__name__, problem) from None

    def _take_over(self, number: int, group: dict[str, Any], clock: int, found: Mapping[str, Any]) -> None:
        """What the outside wrote holds from now on."""
        engine, hyper = self.engine, self.engine.hypers[number]
        if clock != engine.clocks[number]:
            hyper.rewind(clock)
            engine.clocks[number] = clock
        for ours, entry in found.items():
            ended = hyper.displace(ours, entry, clock)
            if ended is not None and "initial_lr" in group and not self._warned:  # torch's schedulers leave that key
                self._warned = True
                told = f"{hyper.place}: a scheduler wrote {ours} = {entry:g} in step {clock}"
                way = f"give {ours} to one of the two; a trainer that wants a scheduler takes calando.torch.Follow"
                warn(f"{told}, which ends {ended.describe()}; {way}", stacklevel=2)
        self._changed(number)
        self._structures[number] = self._structure(group)  # last: who is interrupted before hears it again

    def _changed(self, number: int) -> None:
        """Choose the rule anew and show the values in force."""
        group, engine = self._dicts[number], self.engine
        engine.regroup(number, self._group(group, engine.hypers[number]))
        if engine.parts is not self._shown:
            self._show_state()
        self._show(number, group, spelled(self.spelling, engine.hypers[number].current(engine.clocks[number])))
        self._remember(number, group)

    def _show(self, number: int, group: dict[str, Any], values: Mapping[str, Any]) -> None:
        """Write values in force into a group; tensors that stand there are filled."""
        others = [x for x in self._dicts if x is not group]
        place = self.engine.hypers[number].place
        group.update({name: refilled(place, name, group.get(name), new, others) for name, new in values.items()})

    def _remember(self, number: int, group: dict[str, Any]) -> None:
        """What stands in a group now was not written from outside."""
        place = self.engine.hypers[number].place
        self._posted[number:] = [{name: group[name] for name in self.spelling}, *self._posted[number + 1 :]]
        self._sizes[number:] = [len(group), *self._sizes[number + 1 :]]
        boxes = {name: unboxed(place, name, group[name]) for name in self.spelling if boxed(group[name])}
        self._boxes[number:] = [boxes, *self._boxes[number + 1 :]]
        self._left[number:] = [[], *self._left[number + 1 :]]

    def _post(self, number: int) -> None:
        """Show the coming values, and remember that they are ours."""
        group, hyper, clock = self._dicts[number], self.engine.hypers[number], self.engine.clocks[number]
        group["step"] = clock
        coming = hyper.coming(clock)
        if self._boxes[number]:
            if coming:
                self._show(number, group, spelled(self.spelling, hyper.at(clock)))
                self._remember(number, group)
            return
        if coming:
            if hyper.route is None:
                hyper.route = moved(self.spelling, coming)
            posted, values = self._posted[number], hyper.at(clock)
            as_they_are, others = hyper.route
            for name, take in as_they_are:
                group[name] = posted[name] = take(values)
            if others:
                shown = spelled(others, values)
                group.update(shown), posted.update(shown)
        self._left[number] = list(group.values())

    def _meant(self, number: int, ours: str, value: Any) -> Any:
        place = self.engine.hypers[number].place
        return layered(place, self._dicts[number], ours, unboxed(place, ours, value))

    def _structure(self, group: Mapping[str, Any]) -> tuple[Any, ...]:
        """The choices in a group that are no numbers over time."""
        return tuple(map(group.get, CHOICES))


def moved(spelling: Spelling, coming: Mapping[str, Any]) -> tuple[list[tuple[str, Any]], Spelling]:
    """The user's names for what moves: with what takes their numbers as they are, and those that are translated."""
    rows = {name: ours if isinstance(ours, tuple) else (ours,) for name, ours in spelling.items()}
    moving = {name: row for name, row in rows.items() if not coming.keys().isdisjoint(row)}
    same = [(name, itemgetter(*row)) for name, row in moving.items() if not any(map(translated, row))]
    return same, {name: spelling[name] for name, row in moving.items() if any(map(translated, row))}
