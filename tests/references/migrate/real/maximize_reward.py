"""Policy gradient that goes up, an RNN's hidden state carried over, gradients dropped by hand, foreach, NaN batches skipped."""
import torch
from torch import nn
from torch.distributions import Normal

torch.manual_seed(0)
policy = nn.Linear(3, 1)
optimizer = torch.optim.SGD(policy.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3, maximize=True, foreach=False)
for step in range(10):
    obs = torch.randn(8, 3)
    dist = Normal(policy(obs).squeeze(1), 1.0)
    action = dist.sample()
    reward = -(action - obs.sum(1)) ** 2
    objective = (dist.log_prob(action) * reward).mean()
    for p in policy.parameters():
        p.grad = None
    objective.backward()
    optimizer.step()

rnn = nn.GRU(3, 4, batch_first=True)
readout = nn.Linear(4, 1)
params = list(rnn.parameters()) + list(readout.parameters())
optim = torch.optim.Adamax(params, lr=0.01)
scheduler = torch.optim.lr_scheduler.PolynomialLR(optim, total_iters=8, power=0.9)
hidden = torch.zeros(1, 2, 4)
for step in range(8):
    x, y = torch.randn(2, 5, 3), torch.randn(2, 5, 1)
    hidden = hidden.detach()
    optim.zero_grad()
    out, hidden = rnn(x, hidden)
    loss = ((readout(out) - y) ** 2).mean()
    if torch.isnan(loss):
        print("skipped", step)
        continue
    scheduler.step()
    loss.backward()
    optim.step()
    print(step, loss.item())
