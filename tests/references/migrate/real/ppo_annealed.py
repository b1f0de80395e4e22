"""CleanRL's PPO: the rate annealed by writing param_groups[0] at every update, minibatches inside update epochs."""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions.categorical import Categorical

learning_rate, num_updates, update_epochs, minibatch_size, batch_size = 2.5e-3, 4, 2, 8, 16
anneal_lr, max_grad_norm, clip_coef = True, 0.5, 0.2


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Linear(3, 1)
        self.actor = nn.Linear(3, 2)

    def get_value(self, x):
        return self.critic(x)

    def get_action_and_value(self, x, action):
        probs = Categorical(logits=self.actor(x))
        return probs.log_prob(action), probs.entropy(), self.critic(x)


np.random.seed(1)
torch.manual_seed(1)
agent = Agent()
optimizer = optim.Adam(agent.parameters(), lr=learning_rate, eps=1e-5)
for update in range(1, num_updates + 1):
    # Annealing the rate if instructed to do so.
    if anneal_lr:
        frac = 1.0 - (update - 1.0) / num_updates
        lrnow = frac * learning_rate
        optimizer.param_groups[0]["lr"] = lrnow
    b_obs, b_actions, b_returns = torch.randn(batch_size, 3), torch.randint(0, 2, (batch_size,)), torch.randn(batch_size)
    with torch.no_grad():
        b_logprobs, _, _ = agent.get_action_and_value(b_obs, b_actions)
    b_inds = np.arange(batch_size)
    for epoch in range(update_epochs):
        np.random.shuffle(b_inds)
        for start in range(0, batch_size, minibatch_size):
            end = start + minibatch_size
            mb_inds = b_inds[start:end]
            newlogprob, entropy, newvalue = agent.get_action_and_value(b_obs[mb_inds], b_actions[mb_inds])
            logratio = newlogprob - b_logprobs[mb_inds]
            ratio = logratio.exp()
            mb_advantages = b_returns[mb_inds]

            # Policy loss
            pg_loss1 = -mb_advantages * ratio
            pg_loss2 = -mb_advantages * torch.clamp(ratio, 1 - clip_coef, 1 + clip_coef)
            pg_loss = torch.max(pg_loss1, pg_loss2).mean()
            v_loss = 0.5 * ((newvalue.view(-1) - b_returns[mb_inds]) ** 2).mean()
            entropy_loss = entropy.mean()
            loss = pg_loss - 0.01 * entropy_loss + v_loss * 0.5

            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), max_grad_norm)
            optimizer.step()
    print(update, optimizer.param_groups[0]["lr"], v_loss.item(), pg_loss.item())
