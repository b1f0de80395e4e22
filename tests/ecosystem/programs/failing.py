"""Everything is done, and then the only process or the second one fails, in the way that it is told."""

import os
import sys

WAYS = {"raises": lambda: 1 / 0, "exits": lambda: sys.exit(3), "aborts": os.abort}

if __name__ == "__main__":
    if several := "RANK" in os.environ:
        import torch.distributed as dist

        dist.init_process_group("gloo")
    if not several or dist.get_rank() == 0:
        print("done", flush=True)
    if several:
        dist.barrier()
    if not several or dist.get_rank() == 1:
        WAYS[sys.argv[1]]()
    dist.destroy_process_group()
