"""Scripts with one mistake each whose parts lie in several functions, and scripts that only look like them."""

from mistaken import MS, PT

LOOP = """opt = optim.SGD(model.parameters(), 0.1, momentum=0.9)
def train(opt):
    for x, y in loader:
        opt.zero_grad()
        crit(model(x), y).backward()
        opt.step()
"""
# script, line, what is said
BETWEEN = {
    "a loss computed outside what is differentiated": (
        MS + """opt = nn.Adam(net.trainable_params(), 1e-3)
for x, y in dataset.create_tuple_iterator():
    loss = loss_fn(net(x), y)
    grad_fn = ms.value_and_grad(lambda: loss, None, opt.parameters)
    loss, grads = grad_fn()
    opt(grads)
""",
        9,
        "all gradients are zero",
    ),
    "a loss computed outside a function": (
        MS + """opt = nn.Adam(net.trainable_params(), 1e-3)
for x, y in dataset.create_tuple_iterator():
    loss = loss_fn(net(x), y)
    def forward(x, y):
        return loss
    grads = ms.grad(forward, None, opt.parameters)(x, y)
    opt(grads)
""",
        11,
        "all gradients are zero",
    ),
    "a rate computed in a helper that leaves the optimizer alone": (
        PT + LOOP + """def adjust_learning_rate(args, optimizer, epoch):
    lr = args.lr
    if epoch > 30:
        lr = lr * 0.1
for epoch in range(90):
    adjust_learning_rate(args, opt, epoch)
    train(opt)
""",
        12,
        "the rate that it computes is lost",
    ),
    "a rate of the step that is only shown": (
        PT + """opt = optim.AdamW(model.parameters(), 1e-3)
def get_lr(step):
    return 1e-3 * min(1, (step + 1) / 100)
step = 0
while step < 1000:
    lr = get_lr(step) if warm else 1e-3
    for x, y in loader:
        opt.zero_grad()
        crit(model(x), y).backward()
        opt.step()
    print(step, f"lr {lr}")
    step += 1
""",
        11,
        "never given to the optimizer",
    ),
    "a clip of the script's own after the update": (
        PT + """opt = optim.AdamW(model.parameters(), 1e-3)
def clip_gradient(optimizer, bound):
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad.data.clamp_(-bound, bound)
for x, y in loader:
    opt.zero_grad()
    crit(model(x), y).backward()
    opt.step()
    clip_gradient(opt, 5.0)
""",
        15,
        "clipped after the update",
    ),
    "a cosine of epochs, stepped in the function of an epoch": (
        PT + LOOP.replace("        opt.step()\n", "        opt.step()\n        sched.step()\n")
        + """sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=90)
for epoch in range(start, start + 90):
    train(opt)
""",
        12,
        "90 epochs long, and it is stepped at every batch",
    ),
    "a cosine of batches, stepped after the function of an epoch": (
        PT + LOOP + """sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=90 * len(loader))
for epoch in range(start, 90):
    train(opt)
    sched.step()
""",
        15,
        "and it is stepped once per epoch",
    ),
    "an optimizer made anew for each call of the training": (
        PT + LOOP.partition("\n")[2] + """for epoch in range(90):
    opt = optim.SGD(model.parameters(), 0.1 * 0.9 ** epoch, momentum=0.9)
    train(opt)
""",
        12,
        "made anew in each turn",
    ),
}  # fmt: skip
CLEAR = {
    "a switch to another optimizer, once": PT + LOOP + """for epoch in range(90):
    train(opt)
    if epoch == 60:
        opt = optim.ASGD(model.parameters(), 0.1, t0=0)
""",
    "an optimizer for each stage": PT + """def train(opt, epochs):
    for epoch in range(epochs):
        for x, y in loader:
            opt.zero_grad()
            crit(model(x), y).backward()
            opt.step()
for epochs in (10, 20):
    train(optim.Adam(model.parameters(), 0.1), epochs)
""",
    "a rate of the step that is written by a helper": PT + """opt = optim.AdamW(model.parameters(), 1e-3)
def get_lr(step):
    return 1e-3 * min(1, (step + 1) / 100)
def put(optimizer, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr
for step in range(100):
    lr = get_lr(step)
    put(opt, lr)
    opt.zero_grad()
    crit(model(x), y).backward()
    opt.step()
""",
}  # fmt: skip
