"""A lock that keeps nobody waiting for himself: ``with TURN.lock``."""

import os
from threading import RLock


class Turn:
    """One thread at a time.

    A handler of a signal that comes in the middle passes, as it runs in the thread that has the turn; a forked child
    finds the lock free, whichever of its parent's threads had it.
    """

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self.lock = RLock()
