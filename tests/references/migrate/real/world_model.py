"""Several networks, one loss each, gradients through another's frozen parameters."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR


class Agent(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.encoder = nn.Linear(4, 6)
        self.dynamics = nn.GRUCell(7, 6)
        self.reward = nn.Linear(6, 1)
        self.actor = nn.Sequential(nn.Linear(6, 8), nn.ELU(), nn.Linear(8, 1), nn.Tanh())
        self.value = nn.Linear(6, 1)
        model_params = list(self.encoder.parameters()) + list(self.dynamics.parameters()) + list(self.reward.parameters())
        self.model_opt = Adam(model_params, lr=cfg["model_lr"], eps=1e-5)
        self.actor_opt = Adam(self.actor.parameters(), lr=cfg["actor_lr"], eps=1e-5)
        self.value_opt = Adam(self.value.parameters(), lr=cfg["value_lr"], eps=1e-5)
        self.schedule = LambdaLR(self.model_opt, lambda u: max(0.1, 1 - u / 20))

    def update_model(self, obs, act, rew):
        h = torch.zeros(obs.shape[1], 6)
        loss, states = 0.0, []
        for t in range(obs.shape[0] - 1):
            h = self.dynamics(torch.cat([self.encoder(obs[t]), act[t]], -1), h)
            states.append(h)
            target = self.encoder(obs[t + 1]).detach()
            loss = loss + F.mse_loss(h, target) + F.mse_loss(self.reward(h).squeeze(-1), rew[t])
        self.model_opt.zero_grad(set_to_none=True)
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(self.model_opt.param_groups[0]["params"], self.cfg["clip"])
        self.model_opt.step()
        self.schedule.step()
        return torch.stack(states).detach(), {"model_loss": loss.item(), "grad_norm": float(grad_norm)}

    def imagine(self, start):
        h, out, rewards = start.reshape(-1, 6), [], []
        for _ in range(self.cfg["horizon"]):
            a = self.actor(h)
            h = self.dynamics(torch.cat([self.encoder(torch.zeros(h.shape[0], 4)), a], -1), h)
            out.append(h)
            rewards.append(self.reward(h).squeeze(-1))
        return torch.stack(out), torch.stack(rewards)

    def update_behaviour(self, start):
        states, rewards = self.imagine(start)
        values = self.value(states).squeeze(-1)
        actor_loss = -(rewards + 0.9 * values).mean()
        self.actor_opt.zero_grad(set_to_none=True)
        actor_loss.backward()
        self.actor_opt.step()
        with torch.no_grad():
            target = rewards + 0.9 * values
        value_loss = F.mse_loss(self.value(states.detach()).squeeze(-1), target)
        self.value_opt.zero_grad(set_to_none=True)
        value_loss.backward()
        self.value_opt.step()
        return {"actor": actor_loss.item(), "value": value_loss.item()}


if __name__ == "__main__":
    torch.manual_seed(0)
    agent = Agent({"model_lr": 1e-3, "actor_lr": 8e-4, "value_lr": 8e-4, "clip": 100.0, "horizon": 3})
    for _ in range(4):
        obs, act, rew = torch.randn(5, 2, 4), torch.rand(5, 2, 1), torch.randn(5, 2)
        states, info = agent.update_model(obs, act, rew)
        info.update(agent.update_behaviour(states))
        print(info)
