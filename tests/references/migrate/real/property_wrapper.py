import torch
from torch import nn, optim
torch.manual_seed(0)
class Wrapper:
    def __init__(self, params):
        self._optimizer = optim.SGD(params, lr=0.1)
    @property
    def optimizer(self):
        return self._optimizer
    def set_lr(self, lr):
        for g in self.optimizer.param_groups:
            g["lr"] = lr
net = nn.Linear(4, 1)
w = Wrapper(net.parameters())
for k in range(5):
    w.set_lr(0.1 / (k + 1))
    w.optimizer.zero_grad()
    loss = net(torch.randn(8, 4)).pow(2).mean()
    loss.backward()
    w.optimizer.step()
