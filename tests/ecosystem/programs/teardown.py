"""What torch's gloo may do to a process that has done its work."""


def gloo_fell(done):
    """Whether a process had said its line and then fell in gloo's own teardown, as it does on a busy machine."""
    fell = "terminate called without an active exception" in done.stderr and "(exitcode: -6)" in done.stderr
    return fell and "Error" not in done.stdout
