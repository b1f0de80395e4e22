import torch
from torch import nn

torch.manual_seed(0)
rnn = nn.RNN(3, 6, batch_first=True)
head = nn.Linear(6, 3)
params = list(rnn.parameters()) + list(head.parameters())
optimizer = torch.optim.RMSprop(params, lr=2e-3, alpha=0.95)
criterion = nn.MSELoss()
series = torch.randn(4, 24, 3)
for epoch in range(2):
    hidden = torch.zeros(1, 4, 6)
    total = 0.0
    for start in range(0, 20, 5):
        inputs, targets = series[:, start:start + 5], series[:, start + 1:start + 6]
        hidden = hidden.detach()
        output, hidden = rnn(inputs, hidden)
        loss = criterion(head(output), targets)
        optimizer.zero_grad()
        loss.backward()
        for p in params:
            if p.grad is not None:
                p.grad.data.clamp_(-5, 5)
        optimizer.step()
        total += loss.item()
    if epoch >= 1:
        decay = 0.97
        for param_group in optimizer.param_groups:
            param_group['lr'] = param_group['lr'] * decay
