import torch, torch.nn as nn
from torch.optim import AdamW
torch.manual_seed(0)
m = nn.Linear(3, 1)
o = AdamW(m.parameters(), 1e-2)
for i in range(5):
    x = torch.randn(4, 3); y = x.sum(1, keepdim=True)
    p = m(x); loss = (p - y).pow(2).mean()
    o.zero_grad(); loss.backward(); o.step()
    print(i, loss.item(), p.shape)
