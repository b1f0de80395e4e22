"""A2C with n-step returns; one optimizer, annealed learning rate by hand."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical


@dataclass
class Config:
    total_updates: int = 12
    n_steps: int = 5
    gamma: float = 0.99
    lr: float = 7e-4
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


class Env:
    def __init__(self):
        self.rng = np.random.RandomState(0)
        self.t = 0

    def reset(self):
        self.t = 0
        self.s = self.rng.randn(4).astype(np.float32)
        return self.s

    def act(self, a):
        self.t += 1
        self.s = np.clip(self.s * 0.9 + (a - 0.5) * 0.2 + self.rng.randn(4) * 0.1, -2, 2).astype(np.float32)
        return self.s, float(-abs(self.s[0])), self.t >= 7, {}


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 16), nn.Tanh())
        self.pi = nn.Linear(16, 2)
        self.v = nn.Linear(16, 1)

    def forward(self, x):
        h = self.body(x)
        return self.pi(h), self.v(h).squeeze(-1)


def train(cfg: Config):
    torch.manual_seed(3)
    env = Env()
    agent = ActorCritic()
    optimizer = torch.optim.RMSprop(agent.parameters(), lr=cfg.lr, alpha=0.99, eps=1e-5)
    obs = env.reset()
    for update in range(1, cfg.total_updates + 1):
        frac = 1.0 - (update - 1.0) / cfg.total_updates
        optimizer.param_groups[0]["lr"] = frac * cfg.lr
        states, actions, rewards, dones = [], [], [], []
        for _ in range(cfg.n_steps):
            with torch.no_grad():
                logits, _ = agent(torch.from_numpy(obs))
            a = int(logits.argmax())
            states.append(obs)
            obs, r, done, _ = env.act(a)
            actions.append(a)
            rewards.append(r)
            dones.append(done)
            if done:
                obs = env.reset()
        with torch.no_grad():
            _, R = agent(torch.from_numpy(obs))
        returns = []
        for r, d in zip(reversed(rewards), reversed(dones)):
            R = r + cfg.gamma * R * (1 - float(d))
            returns.insert(0, R)
        returns = torch.stack([torch.as_tensor(x, dtype=torch.float32) for x in returns])

        logits, values = agent(torch.from_numpy(np.stack(states)))
        dist = Categorical(logits=logits)
        adv = returns - values.detach()
        policy_loss = -(dist.log_prob(torch.tensor(actions)) * adv).mean()
        value_loss = (returns - values).pow(2).mean()
        loss = policy_loss + cfg.vf_coef * value_loss - cfg.ent_coef * dist.entropy().mean()

        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), cfg.max_grad_norm)
        optimizer.step()
        if update % 4 == 0:
            print(update, float(policy_loss), float(value_loss), optimizer.param_groups[0]["lr"])


train(Config())
