"""Two gloo processes, started by torchrun: a sharded step is the step of one process."""

from pathlib import Path

import pytest

# Sums of gradients over two processes are rounded in another order than over one: some last bits of float64.
CLOSE = 1e-13


def test_fsdp2_takes_the_steps_of_one_process_norms_over_all_pieces(launch):
    found = launch("sharded.py")
    assert len(found["distances"]) == 19
    # Muon multiplies in bfloat16, which may turn a last bit of a gradient into one of bfloat16's
    wrong = {name: x for name, x in found["distances"].items() if x > (1e-2 if name.startswith("Muon") else CLOSE)}
    assert wrong == {}
    assert found["measured"] < 1e-12
    assert found["skipped"] is True
    assert "a snapshot holds whole parameters" in found["snapshot"]
    assert "cannot have slot_dtype='int8': it is in pieces on several processes" in found["coded"]
    assert [dtype for _, dtype in found["kept"]] == [
        "torch.bfloat16", "torch.float16", "torch.float32", "torch.bfloat16", "torch.bfloat16"
    ] and max(distance for distance, _ in found["kept"]) < 2e-2  # fmt: skip
    assert found["rows"] is None  # a mean of a row is of one process, where rows are dealt out


@pytest.mark.parametrize("processes", [1, 2])
def test_distributed_checkpoint_of_two_processes_goes_on_on(launch, processes):
    launch("stored.py", "save", processes=2)
    found = launch("stored.py", "load", processes=processes)
    assert found["clock"] == 3
    assert found["rates"][0] == found["rates"][1] > 0
    assert found["distance"] < CLOSE


def test_ddp_and_zero_redundancy_take_the_steps_of_one_process(launch):
    found = launch("data_parallel.py")
    assert max(found["ddp"], found["clipped"], found["zero"]) < CLOSE
    assert found["rates"][0] == found["rates"][1] > 0


@pytest.mark.parametrize("how", ["raises", "exits", "aborts"])
def test_a_process_that_fails_at_the_very_end_fails_the_program(torchrun, how):
    """Programs leave without taking the interpreter down; what fails before that is not hidden by it."""
    done = torchrun(Path(__file__).parent / "programs" / "failing.py", how)
    assert done.returncode != 0 and "done" in done.stdout
