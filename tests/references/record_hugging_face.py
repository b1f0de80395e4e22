"""Record what the functions of Hugging Face's transformers (5.23.0) return, for tests that run without it.

    python tests/references/record_hugging_face.py

Written beside this script: hugging_face.json, one row for each: the name of the function, its keywords, and its
values at steps 0, 1, 2 …
"""

import json
from pathlib import Path

import torch
from transformers import optimization as room

WARMUP, STEPS, SEEN = 8, 40, 160


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)


MADE = [
    room.get_constant_schedule_with_warmup(optimizer(), WARMUP),
    room.get_constant_schedule_with_warmup(optimizer(), 0),
    room.get_linear_schedule_with_warmup(optimizer(), WARMUP, STEPS),
    room.get_linear_schedule_with_warmup(optimizer(), 0, STEPS),
    room.get_cosine_schedule_with_warmup(optimizer(), WARMUP, STEPS),
    room.get_cosine_schedule_with_warmup(optimizer(), WARMUP, STEPS, num_cycles=2),
    room.get_cosine_schedule_with_warmup(optimizer(), WARMUP, STEPS, num_cycles=0.7),
    room.get_cosine_with_min_lr_schedule_with_warmup(optimizer(), WARMUP, STEPS, min_lr_rate=0.1),
    room.get_cosine_with_hard_restarts_schedule_with_warmup(optimizer(), WARMUP, STEPS, num_cycles=4),
    room.get_cosine_with_hard_restarts_schedule_with_warmup(optimizer(), WARMUP, STEPS, num_cycles=3),
    room.get_polynomial_decay_schedule_with_warmup(optimizer(), WARMUP, STEPS, lr_end=0.01, power=2.0),
    room.get_inverse_sqrt_schedule(optimizer(), WARMUP),
    room.get_inverse_sqrt_schedule(optimizer(), WARMUP, timescale=20),
    room.get_wsd_schedule(optimizer(), WARMUP, 12, num_training_steps=STEPS),
    room.get_wsd_schedule(optimizer(), WARMUP, 12, num_training_steps=STEPS, decay_type="linear", min_lr_ratio=0.1),
    room.get_wsd_schedule(optimizer(), WARMUP, 12, num_training_steps=STEPS, decay_type="1-sqrt"),
    room.get_wsd_schedule(optimizer(), WARMUP, 12, num_training_steps=STEPS, warmup_type="cosine"),
]


def main() -> None:
    rows = []
    for scheduler in MADE:
        call = scheduler.lr_lambdas[0]
        values = [float(call(step)) for step in range(SEEN)]
        rows.append({"function": call.func.__name__, "keywords": call.keywords, "values": values})
    lines = ",\n".join(json.dumps(row) for row in rows)
    Path(__file__).with_name("hugging_face.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
