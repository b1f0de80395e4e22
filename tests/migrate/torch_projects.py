"""PyTorch projects of several files, as people lay them out: a name, and the files by their paths."""

PROJECTS = {
    "a package whose __init__ hands on factories, and an engine": {
        "config.py": """from dataclasses import dataclass
@dataclass
class Cfg:
    lr: float = 4e-3
    wd: float = 0.1
    epochs: int = 3
    warmup_epochs: int = 1
    clip: float = 1.0
""",
        "engine/__init__.py": """from .loop import Engine
from .optim import make_optimizer, make_scheduler
__all__ = ["Engine", "make_optimizer", "make_scheduler"]
""",
        "engine/loop.py": """import torch
from torch import nn


class Engine:
    def __init__(self, model, optimizer, scheduler, cfg):
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.cfg = cfg
        self.history = []

    def step(self, batch):
        x, y = batch
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()

    def fit(self, loader):
        for epoch in range(self.cfg.epochs):
            for batch in loader:
                self.history.append(self.step(batch))
            print(epoch, self.history[-1], self.scheduler.get_last_lr()[0])
""",
        "engine/optim.py": """import math
import torch
from torch import optim


def split_params(model, wd):
    decay, rest = [], []
    for name, p in model.named_parameters():
        if p.requires_grad:
            (rest if p.ndim == 1 else decay).append(p)
    return [{"params": decay, "weight_decay": wd}, {"params": rest, "weight_decay": 0.0}]


def make_optimizer(model, cfg):
    return optim.AdamW(split_params(model, cfg.wd), lr=cfg.lr, betas=(0.9, 0.95), eps=1e-8)


def make_scheduler(optimizer, cfg, steps_per_epoch):
    warm = cfg.warmup_epochs * steps_per_epoch
    total = cfg.epochs * steps_per_epoch

    def factor(step):
        if step < warm:
            return (step + 1) / warm
        t = (step - warm) / max(1, total - warm)
        return 0.5 * (1 + math.cos(math.pi * t))

    return optim.lr_scheduler.LambdaLR(optimizer, factor)
""",
        "nets.py": """from torch import nn
def mlp(i, h, o):
    return nn.Sequential(nn.Linear(i, h), nn.ReLU(), nn.Linear(h, o))
""",
        "train.py": """import torch
from config import Cfg
from engine import Engine, make_optimizer, make_scheduler
from nets import mlp

if __name__ == "__main__":
    torch.manual_seed(0)
    cfg = Cfg()
    loader = [(torch.randn(8, 5), torch.randint(0, 3, (8,))) for _ in range(4)]
    model = mlp(5, 12, 3)
    optimizer = make_optimizer(model, cfg)
    scheduler = make_scheduler(optimizer, cfg, len(loader))
    Engine(model, optimizer, scheduler, cfg).fit(loader)
""",
    },
    "actor and critic, run flat": {
        "agent.py": """import copy
import torch
import torch.nn.functional as F
from models import Actor, Critic


class Agent:
    def __init__(self, lr=1e-3, tau=0.05, gamma=0.9):
        self.actor, self.critic = Actor(), Critic()
        self.target = copy.deepcopy(self.critic)
        self.actor_opt = torch.optim.Adam(self.actor.parameters(), lr=lr)
        self.critic_opt = torch.optim.Adam(self.critic.parameters(), lr=lr * 3, weight_decay=1e-4)
        self.tau, self.gamma = tau, gamma

    def update(self, batch):
        s, a, r, s2 = batch
        with torch.no_grad():
            y = r + self.gamma * self.target(s2, self.actor(s2))
        critic_loss = F.mse_loss(self.critic(s, a), y)
        self.critic_opt.zero_grad()
        critic_loss.backward()
        self.critic_opt.step()

        actor_loss = -self.critic(s, self.actor(s)).mean()
        self.actor_opt.zero_grad()
        actor_loss.backward()
        self.actor_opt.step()
        with torch.no_grad():
            for t, p in zip(self.target.parameters(), self.critic.parameters()):
                t.lerp_(p, self.tau)
        return critic_loss.item(), actor_loss.item()
""",
        "main.py": """import torch
from agent import Agent
torch.manual_seed(1)
agent = Agent()
for it in range(12):
    batch = torch.randn(6, 3), torch.randn(6, 1), torch.randn(6, 1), torch.randn(6, 3)
    losses = agent.update(batch)
print(losses)
""",
        "models.py": """import torch
from torch import nn
class Actor(nn.Module):
    def __init__(self): super().__init__(); self.net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    def forward(self, s): return self.net(s)
class Critic(nn.Module):
    def __init__(self): super().__init__(); self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    def forward(self, s, a): return self.net(torch.cat([s, a], 1))
""",
    },
    "a trainer's base class in src, rates by hand": {
        "src/pkg/__init__.py": "",
        "src/pkg/factory.py": """import torch.optim as optim
OPTIMIZERS = ("sgd", "rmsprop")
def build(name, model, lr):
    if name == "sgd":
        return optim.SGD(model.parameters(), lr, momentum=0.9)
    elif name == "rmsprop":
        return optim.RMSprop(model.parameters(), lr=lr)
    raise KeyError(name)
""",
        "src/pkg/sched.py": """def adjust_learning_rate(optimizer, epoch, base):
    lr = base * (0.1 ** (epoch // 1))
    for group in optimizer.param_groups:
        group["lr"] = lr
    return lr
""",
        "src/pkg/trainer.py": """from __future__ import annotations
import torch
from .factory import OPTIMIZERS, build
from . import sched as S


class BaseTrainer:
    optimizer: torch.optim.Optimizer

    def __init__(self, model, loader, *, opt="sgd", lr=0.1, epochs=2):
        self.model, self.loader, self.epochs = model, loader, epochs
        self.optimizer = build(opt, model, lr)
        self.setup()

    def setup(self): ...

    def forward_loss(self, batch):
        raise NotImplementedError

    def train(self):
        for epoch in range(self.epochs):
            S.adjust_learning_rate(self.optimizer, epoch, 0.1)
            for batch in self.loader:
                loss = self.forward_loss(batch)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(epoch, loss.item())


class Regression(BaseTrainer):
    def forward_loss(self, batch):
        x, y = batch
        return ((self.model(x) - y) ** 2).mean()
""",
        "train.py": """import sys, os
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "src"))
import torch
from pkg.trainer import Regression
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
loader = [(torch.randn(4, 3), torch.randn(4, 1)) for _ in range(3)]
Regression(model, loader).train()
""",
    },
}
