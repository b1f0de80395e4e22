from dataclasses import dataclass
from typing import Any, Callable
import torch
from torch import nn


@dataclass
class TrainState:
    model: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: Any
    step: int = 0


def create_state(lr: float, total: int) -> TrainState:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=total, cycle_momentum=False)
    return TrainState(model, optimizer, scheduler)


def train_step(state: TrainState, batch, loss_fn: Callable) -> float:
    x, y = batch
    state.optimizer.zero_grad()
    loss = loss_fn(state.model(x), y)
    loss.backward()
    state.optimizer.step()
    state.scheduler.step()
    state.step += 1
    return float(loss)


torch.manual_seed(0)
state = create_state(0.02, 8)
while state.step < 8:
    train_step(state, (torch.randn(4, 3), torch.randn(4, 2)), nn.functional.mse_loss)
