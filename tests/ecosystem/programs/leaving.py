"""Run a program, and leave at once when it has done all it does; its errors are errors.

DTensor's caches hold process groups, and with them gloo's threads, beyond ``destroy_process_group``. Such a thread may
let go of its last tensor while the interpreter takes itself down, and then torch aborts the process (exit code -6,
"terminate called without an active exception"), after everything has been done. So the interpreter is not taken down.

A process that waits for another one in vain ends by itself, and says where it has waited.
"""

import faulthandler
import os
import runpy
import sys

LIMIT = 240  # seconds; less than who has started it waits

if __name__ == "__main__":
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    sys.argv = sys.argv[1:]
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
