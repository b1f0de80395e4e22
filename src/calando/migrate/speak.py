"""One call in the other framework's words: arguments renamed, added and taken out, its layout and comments kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .work import Left

if TYPE_CHECKING:
    import libcst as cst


def respoken(
    code: str,
    callee: str,
    order: Sequence[str],
    names: Mapping[str, str | tuple[str, ...]],
    values: Mapping[str, str | None],
    extra: Mapping[str, str],
) -> str:
    """A call with another function and other arguments.

    Args:
        code: the call as it is written.
        callee: what is called instead.
        order: the names of its positional arguments.
        names: argument → its new name; a tuple where one argument becomes several.
        values: argument (by its old name) → what is written instead of its value; None: it goes.
        extra: arguments to add at the end, by their new names.

    Raises:
        Left: arguments that are not written out, or not known.
    """
    import libcst as cst

    try:
        tree = cst.parse_expression(code)
    except cst.ParserSyntaxError:
        raise Left("the call is written in a way that cannot be taken apart") from None
    if not isinstance(tree, cst.Call):
        raise Left("the call is written in a way that cannot be taken apart")
    args: list[cst.Arg] = []
    for number, arg in enumerate(tree.args):
        if arg.star:
            raise Left("its arguments are not written out")
        name = arg.keyword.value if arg.keyword is not None else order[number] if number < len(order) else ""
        args += respoken_arg(arg, name, names, values)
    if args and extra and isinstance(args[-1].comma, cst.MaybeSentinel):
        args[-1] = args[-1].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    for name, value in extra.items():
        args.append(keyword(name, value, cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))))
    if args and (not tree.args or isinstance(tree.args[-1].comma, cst.MaybeSentinel)):
        args[-1] = args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    whole = tree.with_changes(func=cst.parse_expression(callee), args=args)
    return cst.Module([]).code_for_node(whole)


def respoken_arg(
    arg: cst.Arg, name: str, names: Mapping[str, str | tuple[str, ...]], values: Mapping[str, str | None]
) -> list[cst.Arg]:
    """One argument in the new words."""
    import libcst as cst

    if name in values:
        text = values[name]
        if text is None:
            return []
        arg = arg.with_changes(value=cst.parse_expression(text))
    if name not in names:
        raise Left(f"its argument {name!r} has no counterpart" if name else "it has too many arguments")
    new = names[name]
    if new == "params":
        return [arg]
    if isinstance(new, str):
        plain = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        equal = arg.equal if arg.keyword is not None else plain
        return [arg.with_changes(keyword=cst.Name(new), equal=equal)]
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if isinstance(arg.value, (cst.Tuple, cst.List)) and len(arg.value.elements) == len(new):
        parts = [element.value for element in arg.value.elements]
    else:
        code = cst.Module([]).code_for_node(arg.value)
        parts = [cst.parse_expression(f"{bracketed(code)}[{number}]") for number in range(len(new))]
    found = [keyword(each, cst.Module([]).code_for_node(part), comma) for each, part in zip(new, parts, strict=True)]
    found[-1] = found[-1].with_changes(comma=arg.comma)
    return found


def bracketed(code: str) -> str:
    return code if code.replace(".", "").replace("_", "").isalnum() else f"({code})"


def keyword(name: str, value: str, comma: cst.Comma) -> cst.Arg:
    """``name=value`` and the comma behind it."""
    import libcst as cst

    plain = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(keyword=cst.Name(name), value=cst.parse_expression(value), equal=plain, comma=comma)
