import torch
from torch import nn, optim


def compute_gradients(optimizer, total_loss):
    """Clears and fills the gradients."""
    optimizer.zero_grad()
    total_loss.backward()


torch.manual_seed(0)
m = nn.Linear(4, 2)
o = optim.Adagrad(m.parameters(), lr=0.05)
for t in range(6):
    x = torch.randn(3, 4)
    out = m(x)
    loss = out.pow(2).sum() + out.abs().mean()
    compute_gradients(o, loss)
    nn.utils.clip_grad_value_(m.parameters(), 0.5)
    o.step()
    print(t, loss.item())
