"""Other libraries with the same rules, in an environment of their own beside the project: ``.venv-bench``.

This half makes the environment and starts the other half, ``against_peers``, in it. All of them are installed
with the project's own torch, so none can bring another; timm comes without its dependencies, because it asks
for torchvision, and only its optimizers are loaded.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .timing import Row, Wish, noise, patience, say

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".venv-bench"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
TORCH = "torch==2.13.0"
PEERS = ("optax", "jax", "jaxlib", "heavyball", "torch-optimi", "pytorch_optimizer", "packaging", "setuptools")
ALONE = ("timm",)


def environment() -> None:
    """Make the environment unless it is there; it hides itself from git."""
    made = FOLDER / "made"
    wanted = "\n".join((TORCH, *PEERS, *ALONE))
    if made.exists() and made.read_text() == wanted:
        return
    say(f"making {FOLDER.name}")
    subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
    (FOLDER / ".gitignore").write_text("*\n")
    install = [PYTHON, "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*install, TORCH], check=True)
    subprocess.run([*install, TORCH, "-e", str(ROOT), *PEERS], check=True)
    subprocess.run([*install, "--no-deps", *ALONE], check=True)
    made.write_text(wanted)


def peers(wish: Wish) -> Iterator[Row]:
    """Every rule that a peer has too."""
    environment()
    program = [PYTHON, "-m", "benchmarks.against_peers", str(wish.rounds), str(patience[0])]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        for line in child.stdout:
            row = Row(**json.loads(line))
            noise.append(row.others)
            yield row
    if child.returncode:
        raise RuntimeError(f"{' '.join(map(str, program))} ended with {child.returncode}")


def versions() -> str:
    """The peers and their versions; empty without the environment."""
    if not PYTHON.exists():
        return ""
    names = [name for name in (*PEERS, *ALONE) if name not in ("packaging", "setuptools")]
    program = f"from importlib.metadata import version; print(', '.join(f'{{n}} {{version(n)}}' for n in {names}))"
    return subprocess.run([PYTHON, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
