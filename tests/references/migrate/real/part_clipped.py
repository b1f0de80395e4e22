import torch
from torch import nn, optim
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 8); self.head = nn.Linear(8, 1)
    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))
net = Net()
opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for k in range(6):
    opt.zero_grad()
    loss = net(torch.randn(8, 4)).pow(2).mean()
    loss.backward()
    nn.utils.clip_grad_norm_(net.head.parameters(), 0.1)
    opt.step()
