import torch
from torch import nn, optim
torch.manual_seed(0)
adam = False
net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 1))
g0, g1, g2 = [], [], []
for n, p in net.named_parameters():
    if n.endswith("bias"):
        g2.append(p)
    elif p.ndim == 1:
        g0.append(p)
    else:
        g1.append(p)
if adam:
    optimizer = optim.Adam(g0, lr=1e-2, betas=(0.9, 0.99))
else:
    optimizer = optim.SGD(g0, lr=1e-2, momentum=0.9, nesterov=True)
optimizer.add_param_group({'params': g1, 'weight_decay': 5e-4})  # add pg1 with weight_decay
optimizer.add_param_group({'params': g2})  # add pg2 (biases)
scheduler = optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=lambda e: 0.9 ** e)
for epoch in range(3):
    for k in range(3):
        loss = (net(torch.randn(8, 4)) - torch.randn(8, 1)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
