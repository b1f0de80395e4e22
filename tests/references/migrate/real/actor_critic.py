"""Two optimizers in an agent's class, both losses in one update method, clipping on each."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import Adam


class Agent:
    def __init__(self, obs_dim, act_dim, lr_pi=1e-3, lr_v=3e-3):
        self.actor = nn.Sequential(nn.Linear(obs_dim, 16), nn.Tanh(), nn.Linear(16, act_dim))
        self.critic = nn.Sequential(nn.Linear(obs_dim, 16), nn.Tanh(), nn.Linear(16, 1))
        self.actor_optimizer = Adam(self.actor.parameters(), lr=lr_pi)
        self.critic_optimizer = Adam(self.critic.parameters(), lr=lr_v, eps=1e-5)

    def update(self, obs, act, ret):
        for _ in range(2):
            value = self.critic(obs).squeeze(-1)
            critic_loss = F.mse_loss(value, ret)
            self.critic_optimizer.zero_grad()
            critic_loss.backward()
            nn.utils.clip_grad_norm_(self.critic.parameters(), 0.5)
            self.critic_optimizer.step()

        adv = (ret - value).detach()
        logp = F.log_softmax(self.actor(obs), -1).gather(1, act[:, None]).squeeze(1)
        actor_loss = -(logp * adv).mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        nn.utils.clip_grad_norm_(self.actor.parameters(), 0.5)
        self.actor_optimizer.step()
        return actor_loss.item(), critic_loss.item()


torch.manual_seed(0)
rng = np.random.default_rng(0)
agent = Agent(3, 2)
for episode in range(6):
    obs = torch.as_tensor(rng.standard_normal((10, 3)), dtype=torch.float32)
    act = torch.as_tensor(rng.integers(0, 2, 10))
    ret = obs.sum(1)
    print(episode, agent.update(obs, act, ret))
