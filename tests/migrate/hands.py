"""Further loops: several optimizers behind one backward, groups under another name, rates that other hands move."""

from shapes import HEAD

HANDS = {
    "two optimizers in each branch, clipped for itself": HEAD
    + """
one, two = optim.Adam(net.body.parameters(), lr=0.01), optim.SGD(net.head.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
for i in range(0, 48, 8):
    amp = i < 24
    loss = crit(net(X[i:i+8]), Y[i:i+8])
    one.zero_grad()
    two.zero_grad()
    if amp:
        scaler.scale(loss).backward()
    else:
        loss.backward()
    if amp:
        scaler.unscale_(one)
        nn.utils.clip_grad_norm_(net.body.parameters(), 0.05)
        scaler.step(one)
        scaler.step(two)
        scaler.update()
    else:
        nn.utils.clip_grad_norm_(net.body.parameters(), 0.05)
        one.step()
        two.step()
""",
    "two optimizers that an if with their backward steps": HEAD
    + """
one, two = optim.Adam(net.body.parameters(), lr=0.01), optim.SGD(net.head.parameters(), lr=0.1)
scaler = None
for i in range(0, 48, 8):
    loss = crit(net(X[i:i+8]), Y[i:i+8])
    one.zero_grad()
    two.zero_grad()
    if scaler is not None:
        scaler.scale(loss).backward()
        scaler.step(one)
        scaler.step(two)
        scaler.update()
    else:
        loss.backward()
        one.step()
        two.step()
""",
    "groups under another name, also in a function": HEAD
    + """
def main():
    opt = optim.Adam([{"params": net.body.parameters(), "lr": 0.05}, {"params": net.head.parameters()}], lr=0.02)
    groups = opt.param_groups
    def adjust(step):
        groups[0]["lr"] *= 0.9
        for g in groups:
            g["weight_decay"] = 0.01 * step
    for i in range(0, 48, 8):
        adjust(i)
        opt.zero_grad()
        loss = crit(net(X[i:i+8]), Y[i:i+8])
        loss.backward()
        opt.step()
        print([g["lr"] for g in groups], groups[1]["weight_decay"])
main()
""",
    "optimizers and their schedulers in one loop": HEAD
    + """
opts = [optim.Adam(net.body.parameters(), lr=0.01), optim.SGD(net.head.parameters(), lr=0.1)]
scheds = [optim.lr_scheduler.StepLR(o, 2, 0.5) for o in opts]
for i in range(0, 48, 8):
    loss = crit(net(X[i:i+8]), Y[i:i+8])
    for opt in opts:
        opt.zero_grad()
    loss.backward()
    for opt, sched in zip(opts, scheds):
        opt.step()
        sched.step()
""",
    "a scheduler that goes on with an epoch, of a state that was saved": HEAD
    + """
def train(begin, end, last_epoch, resume):
    opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    if resume:
        opt.load_state_dict(torch.load("held.pt"))
    sched = optim.lr_scheduler.MultiStepLR(opt, [2, 5], 0.5, last_epoch=last_epoch)
    for epoch in range(begin, end):
        for i in range(0, 48, 16):
            opt.zero_grad()
            loss = crit(net(X[i:i+16]), Y[i:i+16])
            loss.backward()
            opt.step()
        sched.step()
    torch.save(opt.state_dict(), "held.pt")
train(0, 3, -1, False)
train(3, 7, 2, True)
""",
    "a function of the epoch that reads what the loop changes": HEAD
    + """
scale = 1.0
opt = optim.Adam(net.parameters(), lr=0.1)
sched = optim.lr_scheduler.LambdaLR(opt, lambda epoch: scale / (1 + epoch))
for epoch in range(4):
    scale = scale * 0.7
    for i in range(0, 48, 16):
        opt.zero_grad()
        loss = crit(net(X[i:i+16]), Y[i:i+16])
        loss.backward()
        opt.step()
    sched.step()
""",
    "what is done to a network in the midst of a forward pass": HEAD
    + """
import copy
net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
slow = copy.deepcopy(net)
opt = optim.Adam(net.parameters(), lr=0.02)
def follow():
    for held, p in zip(slow.parameters(), net.parameters()):
        held.data.mul_(0.5).add_(p.data, alpha=0.5)
for i in range(0, 48, 8):
    width = net[0].weight.shape[0] / 8
    net.train()
    opt.zero_grad()
    out = net(X[i:i+8]) * width
    follow()
    with torch.no_grad():
        goal = slow(X[i:i+8])
    loss = crit(out, goal + Y[i:i+8])
    loss.backward()
    opt.step()
    net.eval()
    print(crit(net(X[:8]), Y[:8]).item())
""",
    "terms of a loss from before the network's first call": HEAD
    + """
first = net.body.weight
critic = nn.Linear(1, 1)
one, two = optim.Adam(net.parameters(), lr=0.01), optim.SGD(critic.parameters(), lr=0.01)
for i in range(0, 48, 8):
    out = net(X[i:i+8])
    scaled = out * 2
    two.zero_grad()
    judged = critic(out.detach()).pow(2).mean() + (critic(Y[i:i+8]) - 1).pow(2).mean()
    judged.backward()
    two.step()
    one.zero_grad()
    near = (scaled - Y[i:i+8]).abs().mean() * 5
    loss = (critic(out) - 1).pow(2).mean() + near
    loss.backward()
    one.step()
for i in range(0, 48, 8):
    one.zero_grad()
    small = first.norm()
    loss = crit(net(X[i:i+8]), Y[i:i+8]) + small
    loss.backward()
    one.step()
""",
    "a scheduler that is told an epoch before the first": HEAD
    + """
opt = optim.SGD(net.parameters(), lr=0.1)
sched = optim.lr_scheduler.CosineAnnealingLR(opt, 9)
for epoch in range(4):
    for i in range(0, 48, 16):
        opt.zero_grad()
        loss = crit(net(X[i:i+16]), Y[i:i+16])
        loss.backward()
        opt.step()
    sched.step(epoch - 1)
""",
}

LOOP = """
    opt.zero_grad()
    loss = crit(net(X[i:i+16]), Y[i:i+16])
    loss.backward()
"""
MAKE = "opt = optim.SGD(net.parameters(), lr=0.1)\n"
REDUCED = (
    MAKE + "def spread(model):\n    for p in model.parameters():\n        {line}\nfor i in range(0, 48, 16):" + LOOP
)

PENALTY = """params = list(net.parameters())
opt = optim.SGD(params, lr=0.1)
for i in range(0, 48, 16):
    small = 0
    for p in params:
        small = small + p.pow(2).sum()
    opt.zero_grad()
    loss = crit(net(X[i:i+16]), Y[i:i+16]) + small
    loss.backward()
    opt.step()
"""

LEFT = {  # what is left, and a part of the reason
    "a cosine that goes on with an epoch": (
        MAKE
        + "start = len(X) // 12\nsched = optim.lr_scheduler.CosineAnnealingLR(opt, 9, last_epoch=int(X.sum()))\n"
        + f"for i in range(0, 48, 16):{LOOP}    opt.step()\n    sched.step()\n",
        "needs the rates of the very beginning there: save its state_dict beside the optimizer's",
    ),
    "a rate of the beginning in the group": (
        'opt = optim.SGD([{"params": net.parameters(), "initial_lr": 0.1}], lr=0.1)\n'
        + f"for i in range(0, 48, 16):{LOOP}    opt.step()\n",
        "leave it out where it is the group's lr",
    ),
    "gradients that are written through NumPy's view": (
        REDUCED.format(line="p.grad.numpy()[:] /= 2") + "    spread(net)\n    opt.step()\n",
        "changes the gradients in s.py, line 18",
    ),
    "gradients that are reduced": (
        REDUCED.format(line="torch.distributed.all_reduce(p.grad.data)") + "    spread(net)\n    opt.step()\n",
        "changes the gradients in s.py, line 18",
    ),
    "gradients that are reduced beside the step": (
        f"{MAKE}for i in range(0, 48, 16):{LOOP}"
        + "    for p in net.parameters():\n        torch.distributed.all_reduce(p.grad.data)\n    opt.step()\n",
        "gradients are changed by hand in line 21",
    ),
    "parameters of no network, under a name": (
        "weights = [nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))]\nopt = optim.SGD(weights, lr=0.1)\n"
        + "for i in range(3):\n    opt.zero_grad()\n    loss = sum(weights).pow(2).sum()\n    loss.backward()\n"
        + "    opt.step()\n",
        "tensors that stand by themselves",
    ),
    "a network that is run outside of the block of the backward": (
        MAKE
        + "for i in range(0, 48, 16):\n    seen = net.body(X[i:i+16])\n    opt.zero_grad()\n    for k in range(2):\n"
        + "        loss = net.head(seen).pow(2).mean() * k\n        loss.backward(retain_graph=True)\n    opt.step()\n",
        "the network is run in line 17, outside of the block of the backward in line 21",
    ),
    "a network that is run by the caller": (
        MAKE
        + "def fit(seen, y):\n    opt.zero_grad()\n    loss = crit(net.head(seen), y)\n    loss.backward()\n"
        + "    opt.step()\n"
        + "for i in range(0, 48, 16):\n    seen = torch.tanh(net.body(X[i:i+16]))\n    fit(seen, Y[i:i+16])\n",
        "seen comes from a network that is run before line 23, in another function than the backward in line 19",
    ),
    "two optimizers in each branch, of two losses": (
        "one, two = optim.Adam(net.body.parameters()), optim.SGD(net.head.parameters(), lr=0.1)\n"
        + "for i in range(0, 48, 8):\n    one.zero_grad()\n    two.zero_grad()\n    if i % 16:\n"
        + "        loss = crit(net(X[i:i+8]), Y[i:i+8])\n        loss.backward()\n        one.step()\n"
        + "        two.step()\n"
        + "    else:\n        loss = net(X[i:i+8]).abs().mean()\n        loss.backward()\n        one.step()\n"
        + "        two.step()\n",
        "several optimizers take a part of the gradients of one backward, but not each in every branch",
    ),
}
