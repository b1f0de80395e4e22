"""The job of ``calando train``: the guide's network on handwritten digits, in both dialects.

    options.py            what was asked for, as plain data; the schedules of each group
    digits.py             the data, and the order in which an epoch sees it
    torch_dialect.py      network, groups and step as one writes them for PyTorch
    mindspore_dialect.py  the same as one writes them for MindSpore
    history.py            a row per step and dialect; how far two dialects lie apart
    checkpoint.py         the folder of a run: what is kept after each epoch, and how it is found again
    job.py                the loop

Importing this package loads nothing; ``job`` loads torch through a dialect.
"""
