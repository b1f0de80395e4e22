"""What all commands share: exit codes and ``--debug``."""

import click

WRONG, STOPPED = 2, 130  # exit codes

debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
