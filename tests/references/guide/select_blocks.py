"""The code blocks of MindSpore's migration guide, as they are printed: ``select_blocks.py guide.md > blocks.md``."""

import re
import sys
from pathlib import Path
from textwrap import dedent

HEADING = re.compile(r"#+ (.*)")
FENCE = re.compile(r"( *)```(\w*)")


def blocks(text):
    """(heading, language, code) of every fence."""
    heading, language, lines = "", None, []
    for line in text.splitlines():
        fence = FENCE.fullmatch(line.rstrip())
        if fence and language is None:
            language, lines = fence[2], []
        elif fence:
            yield heading, language, dedent("\n".join(lines))
            language = None
        elif language is not None:
            lines.append(line)
        elif found := HEADING.fullmatch(line):
            heading = found[1]


SOURCE = "https://www.mindspore.cn/docs/zh-CN/r2.3/migration_guide/model_development/learning_rate_and_optimizer.html"


def main():
    print(f"# The code blocks of MindSpore's migration guide, as printed there\n\n{SOURCE}\n")
    counts = {"torch": 0, "mindspore": 0}
    for heading, language, code in blocks(Path(sys.argv[1]).read_text(encoding="utf-8")):
        if language != "python":
            continue
        side = "torch" if "optim.SGD(" in code else "mindspore"  # holds for the guide of r2.3
        counts[side] += 1
        print(f"## {side} {counts[side]}: {heading}\n\n```python\n{code}\n```\n")


if __name__ == "__main__":
    main()
