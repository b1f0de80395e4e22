import torch
import torch.nn as nn

torch.manual_seed(3)
nets = nn.ModuleDict({"enc": nn.Linear(4, 3), "dec": nn.Linear(3, 4)})
opts = {name: torch.optim.Adam(net.parameters(), lr=1e-2) for name, net in nets.items()}
for k in range(10):
    x = torch.randn(8, 4)
    for o in opts.values():
        o.zero_grad()
    rec = nets["dec"](torch.tanh(nets["enc"](x)))
    loss = nn.functional.mse_loss(rec, x)
    loss.backward()
    for o in opts.values():
        o.step()
    print(k, loss.item())
