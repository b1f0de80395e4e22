"""Everything is done, and then the second process fails, in the way that it is told."""

import os
import sys

import torch.distributed as dist

WAYS = {"raises": lambda: 1 / 0, "exits": lambda: sys.exit(3), "aborts": os.abort}

if __name__ == "__main__":
    dist.init_process_group("gloo")
    if dist.get_rank() == 0:
        print("done", flush=True)
    dist.barrier()
    if dist.get_rank() == 1:
        WAYS[sys.argv[1]]()
    dist.destroy_process_group()
