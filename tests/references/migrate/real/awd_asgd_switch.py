import torch
from torch import nn

torch.manual_seed(0)
lr, wdecay, clip, nonmono, bptt, epochs = 0.3, 1.2e-6, 0.25, 2, 5, 6
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
params = list(model.parameters())
data = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(4)]
best_val_loss = []
optimizer = torch.optim.SGD(params, lr=lr, weight_decay=wdecay)


def train():
    batch = 0
    for x, y in data:
        seq_len = 4 + batch % 3
        lr2 = optimizer.param_groups[0]['lr']
        optimizer.param_groups[0]['lr'] = lr2 * seq_len / bptt
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, clip)
        optimizer.step()
        optimizer.param_groups[0]['lr'] = lr2
        batch += 1


for epoch in range(1, epochs + 1):
    train()
    val_loss = 1.0 + 0.1 * epoch
    if 't0' not in optimizer.param_groups[0] and (len(best_val_loss) > nonmono and val_loss > min(best_val_loss[:-nonmono])):
        print('Switching to ASGD')
        optimizer = torch.optim.ASGD(model.parameters(), lr=lr, t0=0, lambd=0., weight_decay=wdecay)
    if epoch in [5]:
        optimizer.param_groups[0]['lr'] /= 10.
    best_val_loss.append(val_loss)
