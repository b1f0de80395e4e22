"""The nearest known name, for errors about an unknown one."""

from collections.abc import Iterable
from difflib import get_close_matches
from inspect import Parameter, Signature

# One thing that PyTorch, MindSpore and their users call by several names; each leads to the others that are known.
SAME = (
    ("lr", "learning_rate", "lrate"),
    ("weight_decay", "wd", "l2_penalty", "weight_decay_rate"),
    ("momentum", "mom"),
    ("betas", "beta1", "beta2"),
    ("eps", "epsilon"),
    ("rho", "alpha", "decay"),
    ("decay", "weight_decay"),
    ("max_norm", "max_grad_norm", "clip_grad_norm", "grad_clip", "gradient_clip_val"),
    ("ema", "ema_decay"),
    ("params", "parameters"),
)


def nearest(name: object, known: Iterable[object], cutoff: float = 0.6) -> str | None:
    """The known name that was most likely meant: another word for the same thing, else one that is spelled alike."""
    words = list(map(str, known))
    cased = next((word for word in words if word.lower() == str(name).lower()), None)
    if cased:
        return cased
    same = (other for names in SAME if name in names for other in names if other in words)
    return next(same, None) or next(iter(get_close_matches(str(name), words, 1, cutoff)), None)


def hint(name: object, known: Iterable[object], cutoff: float = 0.6) -> str:
    """What an error says after an unknown name.

    Example:
        >>> hint("momentun", ["lr", "momentum"]), hint("learning_rate", ["lr", "momentum"]), hint("x", ["lr"])
        (" (did you mean 'momentum'?)", " (did you mean 'lr'?)", '')
    """
    near = nearest(name, known, cutoff)
    return f" (did you mean {near!r}?)" if near else ""


def refuse_unknown(place: str, method: Signature, given: Iterable[str]) -> None:
    """Raise TypeError for an argument that a method does not take.

    Args:
        place: how the error names the call: ``"For 'AdamW'"``.
        method: its signature, ``self`` included.
        given: the names of the keywords that were given.
    """
    if any(entry.kind is Parameter.VAR_KEYWORD for entry in method.parameters.values()):
        return
    known = list(method.parameters)[1:]
    for name in given:
        if name not in known:
            raise TypeError(f"{place}: unknown argument {name!r}{hint(name, known)}; it takes {', '.join(known)}")
