"""A helper with clipping, called for two optimizers from two places."""
import torch
from torch import nn


def backward_and_update(optimizer, loss, parameters, max_norm=1.0):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    optimizer.step()


torch.manual_seed(1)
actor = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 2))
critic = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
actor_opt = torch.optim.Adam(actor.parameters(), lr=3e-4)
critic_opt = torch.optim.Adam(critic.parameters(), lr=1e-3)
for it in range(12):
    obs = torch.randn(10, 3)
    ret = obs.sum(1, keepdim=True)
    value = critic(obs)
    critic_loss = (value - ret).pow(2).mean()
    backward_and_update(critic_opt, critic_loss, critic.parameters(), 0.5)
    dist = torch.distributions.Categorical(logits=actor(obs))
    act = dist.sample()
    adv = (ret - value).detach().squeeze(1)
    actor_loss = -(dist.log_prob(act) * adv).mean()
    backward_and_update(actor_opt, actor_loss, actor.parameters())
    print(it, float(critic_loss), float(actor_loss))
