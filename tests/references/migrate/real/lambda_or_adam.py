import torch
from torch import nn

ARGS = dict(optim="sgd", nesterov=True, lr=0.05, schedule="step")
torch.manual_seed(0)
net = nn.Linear(3, 2)
make_sgd = lambda ps: torch.optim.SGD(ps, lr=ARGS["lr"], momentum=0.9, nesterov=ARGS["nesterov"])
optimizer = make_sgd(net.parameters()) if ARGS["optim"] == "sgd" else torch.optim.Adam(net.parameters(), lr=ARGS["lr"])
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2) if ARGS["schedule"] == "step" else None
for ep in range(5):
    for _ in range(2):
        l = nn.functional.cross_entropy(net(torch.randn(4, 3)), torch.randint(0, 2, (4,)))
        optimizer.zero_grad(); l.backward(); optimizer.step()
    if scheduler is not None: scheduler.step()
    print(ep, l.item(), optimizer.param_groups[0]["lr"])
