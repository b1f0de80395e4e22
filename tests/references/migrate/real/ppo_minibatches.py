import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Normal


def layer_init(layer, std=1.0, bias=0.0):
    nn.init.orthogonal_(layer.weight, std)
    nn.init.constant_(layer.bias, bias)
    return layer


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(layer_init(nn.Linear(3, 8)), nn.Tanh(), layer_init(nn.Linear(8, 1)))
        self.actor_mean = nn.Sequential(layer_init(nn.Linear(3, 8)), nn.Tanh(), layer_init(nn.Linear(8, 2), 0.01))
        self.actor_logstd = nn.Parameter(torch.zeros(1, 2))

    def get_value(self, x):
        return self.critic(x)

    def get_action_and_value(self, x, action=None):
        mean = self.actor_mean(x)
        std = self.actor_logstd.expand_as(mean).exp()
        probs = Normal(mean, std)
        if action is None:
            action = probs.sample()
        return action, probs.log_prob(action).sum(1), probs.entropy().sum(1), self.critic(x)


torch.manual_seed(1)
agent = Agent()
optimizer = optim.Adam(agent.parameters(), lr=3e-4, eps=1e-5)
num_updates, update_epochs = 3, 2
anneal_lr, norm_adv, clip_coef, max_grad_norm, target_kl = True, True, 0.2, 0.5, None
for update in range(1, num_updates + 1):
    if anneal_lr:
        frac = 1.0 - (update - 1.0) / num_updates
        lrnow = frac * 3e-4
        optimizer.param_groups[0]["lr"] = lrnow
    obs = torch.randn(16, 3)
    with torch.no_grad():
        actions, logprobs, _, values = agent.get_action_and_value(obs)
        returns = torch.randn(16)
        advantages = returns - values.flatten()
    for epoch in range(update_epochs):
        for start in range(0, 16, 8):
            mb = slice(start, start + 8)
            _, newlogprob, entropy, newvalue = agent.get_action_and_value(obs[mb], actions[mb])
            logratio = newlogprob - logprobs[mb]
            ratio = logratio.exp()
            with torch.no_grad():
                approx_kl = ((ratio - 1) - logratio).mean()
            mb_adv = advantages[mb]
            if norm_adv:
                mb_adv = (mb_adv - mb_adv.mean()) / (mb_adv.std() + 1e-8)
            pg_loss1 = -mb_adv * ratio
            pg_loss2 = -mb_adv * torch.clamp(ratio, 1 - clip_coef, 1 + clip_coef)
            pg_loss = torch.max(pg_loss1, pg_loss2).mean()
            v_loss = 0.5 * ((newvalue.view(-1) - returns[mb]) ** 2).mean()
            entropy_loss = entropy.mean()
            loss = pg_loss - 0.01 * entropy_loss + v_loss * 0.5
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), max_grad_norm)
            optimizer.step()
        if target_kl is not None and approx_kl > target_kl:
            break
    print(update, v_loss.item(), pg_loss.item(), entropy_loss.item(), approx_kl.item())
