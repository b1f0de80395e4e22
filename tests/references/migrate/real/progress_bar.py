"""tqdm around the loader, optimizers kept in a dictionary, an update at every k-th batch counted from zero."""
import torch
from torch import nn

try:
    from tqdm import tqdm
except ImportError:
    def tqdm(loader, **words):
        return loader

torch.manual_seed(0)
accumulation_steps = 2
nets = {"body": nn.Linear(4, 8), "head": nn.Linear(8, 1)}
optimizers = {
    "body": torch.optim.SGD(nets["body"].parameters(), lr=0.05, momentum=0.9),
    "head": torch.optim.AdamW(nets["head"].parameters(), lr=0.01),
}
single = nn.Linear(4, 1)
optimizer = torch.optim.Adam(single.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
train_loader = [(torch.randn(6, 4), torch.randn(6, 1)) for _ in range(6)]

for epoch in range(3):
    bar = tqdm(train_loader, disable=True)
    for i, (x, y) in enumerate(bar):
        loss = nn.functional.mse_loss(single(x), y)
        (loss / accumulation_steps).backward()
        if i % accumulation_steps == accumulation_steps - 1:
            optimizer.step()
            optimizer.zero_grad()
    scheduler.step()
    for x, y in train_loader:
        optimizers["body"].zero_grad()
        optimizers["head"].zero_grad()
        out = nets["head"](torch.tanh(nets["body"](x)))
        error = ((out - y) ** 2).mean()
        error.backward()
        optimizers["body"].step()
        optimizers["head"].step()
    print(epoch, loss.item(), error.item(), scheduler.get_last_lr())
