"""``python -m calando`` is the command ``calando``."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="calando")
