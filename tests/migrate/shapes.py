"""Training loops of other shapes than the 25 programs have: a name, and what follows the common head."""

HEAD = """import math
import torch
from torch import nn, optim
torch.manual_seed(3)
X = torch.randn(48, 4); Y = torch.randn(48, 1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)
    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))
net = Net()
crit = nn.MSELoss()
"""

SHAPES = {
    "targets without gradients, before the forward pass and inside it": HEAD
    + """
opt = optim.Adam(net.parameters(), lr=1e-2)
@torch.no_grad()
def bootstrap(x):
    return net(x) * 0.9
for epoch in range(3):
    for i in range(0, 48, 16):
        with torch.no_grad():
            target = net(X[i:i+16])
        opt.zero_grad()
        value = net(X[i:i+16] * 2)
        with torch.no_grad():
            scale = value.abs().mean() + 1
        other = bootstrap(X[i:i+16])
        loss = crit(value / scale, target) + crit(value, other) + crit(value, Y[i:i+16])
        loss.backward()
        opt.step()
""",
    "two stages under one name": HEAD
    + """
opt = optim.Adam(net.head.parameters(), lr=1e-2)
for epoch in range(2):
    for i in range(0, 48, 16):
        opt.zero_grad()
        loss = crit(net(X[i:i+16]), Y[i:i+16])
        loss.backward()
        opt.step()
opt = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=3)
for epoch in range(3):
    for i in range(0, 48, 16):
        opt.zero_grad()
        loss = crit(net(X[i:i+16]), Y[i:i+16])
        loss.backward()
        opt.step()
    sched.step()
    print(opt.param_groups[0]["lr"])
""",
    "values that a turn keeps for the next": HEAD
    + """
opt = optim.SGD(net.parameters(), lr=0.05)
state, sized = torch.zeros(16, 1), True
for epoch in range(3):
    for i in range(0, 48, 16):
        out = net(X[i:i+16])
        if epoch == 0 and i == 0:
            first = out.detach() + 1
        if sized:
            size = out.abs().mean()
        state = 0.5 * state.detach() + 0.1 * out
        loss = crit(out + state, Y[i:i+16]) + 0.1 * crit(out, first)
        if sized:
            loss = loss + 0.01 * size
        opt.zero_grad()
        loss.backward()
        opt.step()
        if i == 32:
            print(size.item())
        del out
""",
    "chosen by match": HEAD
    + """
def build(kind, net):
    match kind:
        case "sgd":
            return optim.SGD(net.parameters(), lr=0.1)
        case "adamw":
            return optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.1)
        case _:
            raise ValueError(kind)
def schedule(kind, opt):
    match kind:
        case "cosine":
            return optim.lr_scheduler.CosineAnnealingLR(opt, T_max=3)
        case "step":
            return optim.lr_scheduler.StepLR(opt, step_size=1, gamma=0.5)
    return None
opt = build("adamw", net)
sched = schedule("step", opt)
for epoch in range(3):
    for i in range(0, 48, 16):
        opt.zero_grad()
        loss = crit(net(X[i:i+16]), Y[i:i+16])
        loss.backward()
        opt.step()
    if sched is not None:
        sched.step()
""",
    "groups with rates of their own": HEAD
    + """
groups = [{"params": net.body.parameters(), "lr": 0.01}, {"params": net.head.parameters()}]
opt = optim.SGD(groups, lr=0.1, momentum=0.9)
sched = optim.lr_scheduler.MultiStepLR(opt, [1, 3], gamma=0.3)
for epoch in range(5):
    for i in range(0, 48, 16):
        opt.zero_grad()
        loss = crit(net(X[i:i+16]), Y[i:i+16])
        loss.backward()
        opt.step()
    sched.step()
    print([g["lr"] for g in opt.param_groups])
""",
    "an update every third turn": HEAD
    + """
opt = optim.AdamW(net.parameters(), lr=0.02)
sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=4)
K = 3
for epoch in range(6):
    opt.zero_grad()
    for i in range(6):
        out = net(X[i*8:(i+1)*8])
        loss = crit(out, Y[i*8:(i+1)*8]) / K
        loss.backward()
        if (i + 1) % K == 0:
            nn.utils.clip_grad_value_(net.parameters(), 0.05)
            opt.step()
            opt.zero_grad()
    sched.step()
    print(loss.item() * K, out.mean().item())
""",
    "a schedule of beta1": HEAD
    + """
opt = optim.AdamW(net.parameters(), lr=0.001)
sched = optim.lr_scheduler.OneCycleLR(opt, 0.05, total_steps=24)
for epoch in range(8):
    for i in range(3):
        loss = crit(net(X[i*16:(i+1)*16]), Y[i*16:(i+1)*16]) + 1e-3 * sum((p ** 2).sum() for p in net.parameters())
        opt.zero_grad();
        loss.backward()
        opt.step()
        sched.step()
""",
    "three schedules in turn, one step per call": HEAD
    + """
class Trainer:
    def __init__(self, model, epochs):
        self.model = model
        self.epochs = epochs
        self.opt = optim.Adam(model.parameters(), lr=0.01, amsgrad=True)
        a = optim.lr_scheduler.ConstantLR(self.opt, 0.5, total_iters=2)
        b = optim.lr_scheduler.ExponentialLR(self.opt, 0.9)
        c = optim.lr_scheduler.PolynomialLR(self.opt, total_iters=4, power=2.0)
        self.sched = optim.lr_scheduler.SequentialLR(self.opt, [a, b, c], milestones=[2, 5])
    def batch(self, x, y):
        self.opt.zero_grad()
        pred = self.model(x)
        loss = crit(pred, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), max_norm=0.5)
        self.opt.step()
        return loss.item()
    def fit(self):
        for epoch in range(self.epochs):
            total = 0.0
            for i in range(0, 48, 12):
                total += self.batch(X[i:i+12], Y[i:i+12])
            self.sched.step()
            print(epoch, total, self.opt.param_groups[0]["lr"])
Trainer(net, 8).fit()
""",
    "a loss that is an expression": HEAD
    + """
opt = optim.RMSprop(net.parameters(), lr=0.01, weight_decay=0.01)
sched = optim.lr_scheduler.LambdaLR(opt, lambda e: 0.9 ** e)
best = 1e9
for epoch in range(4):
    running, n = 0.0, 0
    for x, y in zip(X.split(16), Y.split(16)):
        pred = net(x)
        err = (pred - y) ** 2
        reg = net.head.weight.abs().sum()
        running += err.mean().item()
        n += 1
        opt.zero_grad()
        (err.mean() + 0.01 * reg).backward()
        opt.step()
    best = min(best, running / n)
    sched.step()
    print(best, reg.item())
""",
    "numbers written while it trains": HEAD
    + """
opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True)
step = 0
for epoch in range(4):
    if epoch == 2:
        for g in opt.param_groups:
            g["lr"] *= 0.1
            g["weight_decay"] = 5e-3
    for i in range(3):
        step += 1
        if step < 4:
            opt.param_groups[0]["momentum"] = 0.5 + 0.1 * step
        opt.zero_grad()
        loss = crit(net(X[i*16:(i+1)*16]), Y[i*16:(i+1)*16])
        loss.backward()
        opt.step()
""",
    "two optimizers in one loop": HEAD
    + """
a = optim.SGD(net.body.parameters(), lr=0.05, momentum=0.9)
b = optim.Adagrad(net.head.parameters(), lr=0.05)
sa = optim.lr_scheduler.CyclicLR(a, 0.01, 0.1, step_size_up=4)
sb = optim.lr_scheduler.CosineAnnealingWarmRestarts(b, 3, T_mult=2)
for epoch in range(7):
    for i in range(3):
        a.zero_grad()
        la = crit(net(X[i*16:(i+1)*16]), Y[i*16:(i+1)*16])
        la.backward()
        a.step()
        sa.step()
        b.zero_grad()
        lb = crit(net(X[i*16:(i+1)*16]), Y[i*16:(i+1)*16])
        lb.backward()
        b.step()
    sb.step()
    print(sa.get_last_lr(), sb.get_last_lr())
""",
    "a factory and an engine": HEAD
    + """
def train(model, loader, optimizer, scheduler, clip):
    model.train()
    hist = []
    for step, (x, y) in enumerate(loader):
        optimizer.zero_grad(set_to_none=True)
        pred = model(x)
        loss = crit(pred, y)
        loss.backward()
        if clip > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        scheduler.step()
        hist.append((loss.item(), scheduler.get_last_lr()[0], pred.detach().mean().item()))
    return hist
def make(model, total):
    opt = optim.NAdam(model.parameters(), lr=0.01)
    return opt, optim.lr_scheduler.LinearLR(opt, 0.2, 1.0, total_iters=total)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=16)
opt, sch = make(net, 2 * len(loader))
for e in range(4):
    print(train(net, loader, opt, sch, 0.3)[-1])
""",
    "two schedulers at once, one of them made in a later epoch": HEAD
    + """
def one_epoch(model, optimizer, loader, epoch):
    warmup = None
    if epoch == 0:
        warmup = optim.lr_scheduler.LinearLR(optimizer, start_factor=1e-3, total_iters=min(1000, len(loader) - 1))
    for x, y in loader:
        loss = crit(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if warmup is not None:
            warmup.step()
opt = optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.05, momentum=0.9, weight_decay=5e-4)
steps = optim.lr_scheduler.MultiStepLR(opt, [1, 2], gamma=0.3)
batches = [(X[i:i+12], Y[i:i+12]) for i in range(0, 48, 12)]
for epoch in range(4):
    one_epoch(net, opt, batches, epoch)
    steps.step()
    print(epoch, steps.get_last_lr(), opt.param_groups[0]["lr"])
""",
    "a warm-up writes rate and momentum of each group beside a scheduler, and updates lie further apart": HEAD
    + """
weights, biases = [], []
for name, p in net.named_parameters():
    if name.endswith(".bias"):
        biases.append(p)
    else:
        weights.append(p)
opt = optim.SGD(weights, lr=0.05, momentum=0.9, nesterov=True)
opt.add_param_group({"params": biases})
lf = lambda x: (1 - x / 4) * 0.9 + 0.1
sched = optim.lr_scheduler.LambdaLR(opt, lr_lambda=lf)
last = -1
for epoch in range(4):
    opt.zero_grad()
    for i in range(4):
        count = i + 4 * epoch
        apart = 1
        if count <= 9:
            apart = max(1, round(1 + 2 * count / 9))
            for j, group in enumerate(opt.param_groups):
                start = 0.1 if j == 1 else 0.0
                group["lr"] = start + (group["initial_lr"] * lf(epoch) - start) * count / 9
                if "momentum" in group:
                    group["momentum"] = 0.8 + 0.1 * count / 9
        loss = crit(net(X[12 * i:12 * i + 12]), Y[12 * i:12 * i + 12])
        loss.backward()
        if count - last >= apart:
            opt.step()
            opt.zero_grad()
            last = count
    sched.step()
""",
    "two rates in turn, one of them of averaged weights": HEAD
    + """
opt = optim.Adam(net.parameters(), lr=1e-2, amsgrad=True)
cosine = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=10)
swa = optim.swa_utils.SWALR(opt, swa_lr=5e-3, anneal_epochs=2)
for epoch in range(6):
    for i in range(0, 48, 16):
        opt.zero_grad()
        crit(net(X[i:i+16]), Y[i:i+16]).backward()
        opt.step()
    if epoch > 2:
        swa.step()
    else:
        cosine.step()
""",
    "a turn that ends before its gradients are cleared, and gradients changed by hand": HEAD
    + """
opt = optim.AdamW(net.parameters(), lr=1e-2, amsgrad=True)
for epoch in range(3):
    for i in range(0, 48, 8):
        loss = crit(net(X[i:i+8]), Y[i:i+8])
        loss.backward()
        if i == 16:
            continue
        for p in net.parameters():
            p.grad.add_(p, alpha=1e-2)
        opt.step()
        opt.zero_grad()
""",
    "whole numbers where MindSpore's own classes want floats": HEAD
    + """
first = optim.ASGD(net.body.parameters(), lr=0.05, t0=2)
second = optim.Rprop(net.head.parameters(), lr=1e-2, etas=(0.5, 2), step_sizes=(1e-6, 50))
for i in range(0, 48, 8):
    for each in (first, second):
        each.zero_grad()
    loss = crit(net(X[i:i+8]), Y[i:i+8])
    loss.backward()
    first.step()
    second.step()
""",
    "a helper that clears, a network made elsewhere, a profiler's steps, and one name in two comprehensions": HEAD
    + """
maker = dict(net=Net).get("net")
ac = maker()
count = sum(p.numel() for p in net.parameters() if p.requires_grad)
groups = [
    {"params": [p for n, p in ac.named_parameters() if "bias" not in n]},
    {"params": [p for n, p in ac.named_parameters() if "bias" in n], "lr": 0.02},
]
first = optim.SGD(net.parameters(), lr=0.05)
second = optim.Adam(groups, lr=0.01)
class Profiler:
    def step(self):
        self.turn = 1
prof = Profiler()
def reset_grad():
    first.zero_grad()
    second.zero_grad()
def compute_loss(x, y):
    value = ac.forward(x)
    return crit(value, y), value
def update(x, y):
    loss, value = compute_loss(x, y)
    reset_grad()
    loss.backward()
    second.step()
    return value.mean().item()
for i in range(0, 48, 8):
    loss = crit(net(X[i:i+8]), Y[i:i+8])
    reset_grad()
    loss.backward()
    first.step()
    prof.step()
    update(X[i:i+8], Y[i:i+8])
""",
    "one scaler for two optimizers, of which one is stepped every second turn, and one that is off": HEAD
    + """
from torch.amp import GradScaler
D, G = nn.Linear(4, 1), nn.Linear(3, 4)
optim_d = torch.optim.AdamW(D.parameters(), lr=0.01)
optim_g = torch.optim.AdamW(G.parameters(), lr=0.01)
scaler = GradScaler("cpu", init_scale=64.0, growth_factor=2.0, growth_interval=3)
off = GradScaler("cpu", enabled=False, growth_interval=1)
scales = []
for i in range(12):
    x, z = torch.randn(5, 4), torch.randn(5, 3)
    loss_d = (D(x) - 1).pow(2).mean() + D(G(z).detach()).pow(2).mean()
    optim_d.zero_grad()
    scaler.scale(loss_d).backward()
    scaler.unscale_(optim_d)
    torch.nn.utils.clip_grad_norm_(D.parameters(), 1.0)
    scaler.step(optim_d)
    if i % 2 == 0:
        loss_g = (D(G(z)) - 1).pow(2).mean()
        optim_g.zero_grad()
        scaler.scale(loss_g).backward()
        scaler.step(optim_g)
    scale_before = scaler.get_scale()
    scaler.update()
    scales.append((scale_before, scaler.get_scale()))
assert [after for _, after in scales] == [64.0 * 2 ** ((i + 1) // 3) for i in range(12)], scales
opt = optim.SGD(net.parameters(), lr=0.1)
for i in range(0, 48, 16):
    loss = crit(net(X[i:i+16]), Y[i:i+16])
    opt.zero_grad()
    off.scale(loss).backward()
    off.step(opt)
    off.update()
assert off.get_scale() == 1.0
""",
    "gathered gradients, and an update of its own for what is left after the loop": HEAD
    + """
opt = optim.AdamW(net.parameters(), lr=0.01)
k = 4
for epoch in range(2):
    opt.zero_grad()
    for i in range(6):
        loss = crit(net(X[8*i:8*i+8]), Y[8*i:8*i+8]) / k
        loss.backward()
        if (i + 1) % k == 0:
            opt.step()
            opt.zero_grad()
    if 6 % k:
        opt.step()
        opt.zero_grad()
""",
    "optimizers of single weights, in groups and not": HEAD
    + """
net.scale = nn.Parameter(torch.ones(1))
first = optim.Adam([net.head.weight, net.scale], lr=0.01)
second = optim.SGD([{"params": [net.body.weight]}, {"params": net.head.bias, "lr": 0.5}], lr=0.1, momentum=0.9)
for i in range(0, 48, 8):
    first.zero_grad()
    second.zero_grad()
    loss = crit(net(X[i:i+8]) * net.scale, Y[i:i+8])
    loss.backward()
    first.step()
    second.step()
""",
}
