"""The report as one page: both sides, every finding, the defaults said aloud, and the curves of the proof."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from html import escape as escaped
from typing import TYPE_CHECKING

from .finding import CERTAINTIES, HUMAN, Finding
from .project import Migration, Result
from .reading.source import rows as lines
from .sections import SECTIONS, section, wanted
from .told import summary

if TYPE_CHECKING:
    from .prove import Proof

GUIDE = "docs/guide.md"
MARKS = dict(zip(CERTAINTIES, ("done", "check", "human", "kept"), strict=True))
STYLE = """
:root { color-scheme: light dark; --line: #8884; --done: light-dark(#2a7d4f, #6fd29b);
  --check: light-dark(#a66a00, #e3ab4e); --human: light-dark(#b3261e, #ff8a80);
  --kept: light-dark(#6b7280, #a3a9b5); --gone: #d6434322; --come: #2a9d5a22; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 96rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
th, td { padding: .2rem .6rem; vertical-align: top; border-bottom: 1px solid var(--line); }
code, pre, .code { font: 12.5px/1.45 ui-monospace, monospace; }
.sides { table-layout: fixed; }
.sides td { border: 0; padding: 0 .4rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.sides .n { width: 3rem; color: var(--kept); text-align: right; user-select: none; white-space: nowrap; }
.gone { background: var(--gone); } .left { box-shadow: inset 3px 0 var(--human); } .come { background: var(--come); }
.gap td { color: var(--kept); padding: .3rem; }
.done { color: var(--done); } .check { color: var(--check); }
.human { color: var(--human); } .kept { color: var(--kept); }
b.done, b.check, b.human, b.kept { white-space: nowrap; }
.scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; }
"""


def escape(text: str) -> str:
    """A text as it may stand in the page; characters that are not seen, or turn others around, by their numbers."""
    return escaped("".join(c if c.isprintable() or c == "\t" else f"\\u{ord(c):04x}" for c in text))


def page(done: Migration, proofs: Sequence[Proof] = ()) -> str:
    """The whole page, which needs nothing from outside."""
    title = f"Migration to {done.wish.to}" + (f", style {done.wish.style}" if done.wish.to == "mindspore" else "")
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(summary(done))}</p>"]
    parts += [f'<p class="human">{escape(text)}</p>' for text in done.unread]
    parts += [findings(done.findings), defaults(done)]
    parts += [proven(proof) for proof in proofs]
    for number, result in enumerate(done.results):
        if result.changed:
            parts.append(sides(result, number, [f for f in done.findings if f.file == result.name]))
    parts.append(unchanged([result.name for result in done.results if not result.changed]))
    parts.append(guide(f.topic for f in done.findings))
    body = "\n".join(filter(None, parts))
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def findings(found: Iterable[Finding]) -> str:
    """Every finding, the ones that need a person first."""
    order = {"human": 0, "check": 1, "done": 2, "kept": 3}
    rows = []
    for each in sorted(found, key=lambda f: (order[MARKS[f.certainty]], f)):
        mark = MARKS[each.certainty]
        reason = escape(each.reason)
        if name := section(each.topic):
            reason += f'. <a href="#guide-{name}">{escape(SECTIONS[name][0])}</a>'
        rows.append(
            f'<tr><td><b class="{mark}">{escape(each.certainty)}</b></td>'
            f'<td class="code">{escape(each.file)}:{each.line}</td><td><code>{escape(each.text)}</code></td>'
            f"<td>{reason}</td></tr>"
        )
    if not rows:
        return "<h2>Findings</h2><p>No optimizer and no schedule was found.</p>"
    head = "<tr><th>certainty<th>place<th>what stands there<th>what was done, and why</tr>"
    return f'<h2 id="findings">Findings</h2><div class="scroll"><table>{head}{"".join(rows)}</table></div>'


def guide(topics: Iterable[str]) -> str:
    """What the guide says of the things that findings point to, and where it says more."""
    asked = sorted({topic for topic in topics if section(topic)})
    told = ""
    for name in wanted(asked):
        more = ", ".join(f"{GUIDE}#{escape(topic)}" for topic in asked if section(topic) == name)
        title, text = SECTIONS[name]
        told += f'<h3 id="guide-{name}">{escape(title)}</h3><p>{escape(text)} (More: <code>{more}</code>)</p>'
    return f'<h2 id="guide">What the guide says</h2>{told}' if told else ""


def defaults(done: Migration) -> str:
    """The default values that the result says aloud."""
    if not done.spoken:
        return ""
    rows = "".join(
        f'<tr><td class="code">{escape(s.file)}:{s.line}</td><td><code>{escape(s.optimizer)}</code></td>'
        f"<td><code>{escape(s.argument)}={escape(s.value)}</code></td><td>{escape(s.other)}</td></tr>"
        for s in done.spoken
    )
    head = "<tr><th>place<th>optimizer<th>argument<th>because</tr>"
    return f'<h2 id="defaults">Defaults said aloud</h2><table>{head}{rows}</table>'


def proven(proof: Proof) -> str:
    """What a proof showed, and its curves."""
    rows = []
    for level in proof.levels:
        mark, word = ("kept", "not run") if not level.ran else ("done", "holds") if level.holds else ("human", "fails")
        rows.append(
            f'<tr><td>{level.number}</td><td>{escape(level.title)}</td><td><b class="{mark}">{word}</b></td>'
            f"<td>{escape(level.text)}</td></tr>"
        )
    head = "<tr><th>level<th>compared<th>result<th>in words</tr>"
    room = f"<p>{escape(proof.stand_in)}</p>" if proof.room else ""
    drawn = "".join(curve(number, pairs) for number, pairs in enumerate(proof.curves) if pairs)
    return f"<h2>Proof of {escape(proof.name)}</h2>{room}<table>{head}{''.join(rows)}</table>{drawn}"


def curve(number: int, pairs: Sequence[tuple[float | None, float | None]]) -> str:
    """Both learning rates of an optimizer's first parameter over the updates, one drawn over the other."""
    width, height, left, low = 760, 220, 70, 30
    values = [x for pair in pairs for x in pair if x is not None]
    top = max(values, default=1.0) or 1.0
    across = max(len(pairs) - 1, 1)

    def points(side: int) -> str:
        return " ".join(
            f"{left + (width - left - 10) * at / across:.1f},{height - low - (height - low - 15) * value / top:.1f}"
            for at, pair in enumerate(pairs)
            if (value := pair[side]) is not None
        )

    lines = (
        f'<polyline points="{points(0)}" fill="none" stroke="#2a6fdb" stroke-width="5" stroke-opacity=".35"/>'
        f'<polyline points="{points(1)}" fill="none" stroke="#c2410c" stroke-width="1.5"/>'
    )
    axis = (
        f'<line x1="{left}" y1="{height - low}" x2="{width - 10}" y2="{height - low}" stroke="currentColor"/>'
        f'<line x1="{left}" y1="10" x2="{left}" y2="{height - low}" stroke="currentColor"/>'
        f'<text x="{left - 6}" y="20" text-anchor="end">{top:.3g}</text>'
        f'<text x="{left - 6}" y="{height - low}" text-anchor="end">0</text>'
        f'<text x="{width - 10}" y="{height - 10}" text-anchor="end">update {len(pairs) - 1}</text>'
    )
    told = f"optimizer {number}: learning rate of its first parameter; broad: source, thin: result"
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" width="{width}" role="img" font-size="12" fill="currentColor" '
        f'aria-label="{told}">{axis}{lines}</svg><figcaption>{told}</figcaption></figure>'
    )


def unchanged(names: Sequence[str]) -> str:
    """The scripts in which nothing changes, in one list."""
    listed = "".join(f'<li class="code">{escape(name)}</li>' for name in names)
    return f"<h2>Nothing changes in</h2><ul>{listed}</ul>" if names else ""


def sides(result: Result, number: int, found: Sequence[Finding]) -> str:
    """Source and result beside each other; long stretches without a change are left out."""
    before = lines(result.source.text)
    after = lines(result.after.decode(result.source.encoding).removeprefix("\ufeff"))
    topics: dict[int, Finding] = {}
    for each in found:
        topics.setdefault(each.line, each)
    rows: list[str] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            rows += equal(before, a, b, c, topics, number)
            continue
        for k in range(max(b - a, d - c)):
            mine, its = (a + k if a + k < b else None), (c + k if c + k < d else None)
            rows.append(row(before, mine, "gone", after, its, "come", topics, number))
    head = '<colgroup><col style="width:3rem"><col><col style="width:3rem"><col></colgroup>'
    return f'<h2>{escape(result.name)}</h2><table class="sides code">{head}{"".join(rows)}</table>'


def equal(before: list[str], a: int, b: int, c: int, topics: dict[int, Finding], number: int) -> list[str]:
    """Lines that stay; of many only those at the ends."""
    shown = range(a, b) if b - a <= 12 else [*range(a, a + 4), -1, *range(b - 4, b)]
    out = []
    for at in shown:
        if at < 0:
            out.append(f'<tr class="gap"><td colspan="4">… {b - a - 8} lines as they were …</td></tr>')
        else:
            out.append(row(before, at, "", before, at, "", topics, number, c - a))
    return out


def row(
    before: list[str], mine: int | None, left: str, after: list[str], its: int | None, right: str,
    topics: dict[int, Finding], number: int, shift: int = 0,
) -> str:  # fmt: skip
    """One line of both sides; a line that a finding speaks of links to what the guide says about it."""
    cells = ""
    if mine is None:
        cells += '<td class="n"></td><td></td>'
    else:
        text, shown = escape(before[mine]), str(mine + 1)
        told = topics.get(mine + 1)
        if told is not None and (left or told.certainty == HUMAN):
            left = left or "left"
            link = f"#guide-{name}" if (name := section(told.topic)) else "#findings"
            shown = f'<a href="{link}" title="{escape(told.reason)}">{shown}</a>'
        cells += f'<td class="n" id="s{number}-{mine + 1}">{shown}</td><td class="{left}">{text}</td>'
    if its is None:
        cells += '<td class="n"></td><td></td>'
    else:
        cells += f'<td class="n">{its + 1 + shift}</td><td class="{right}">{escape(after[its])}</td>'
    return f"<tr>{cells}</tr>"
