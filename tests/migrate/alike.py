"""Right scripts that look like mistaken ones."""

from mistaken import MS, PT

RIGHT = {
    "clipped under another name and used": MS + """opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for x, y in data:
    loss, grads = grad_fn(x, y)
    clipped = ops.clip_by_global_norm(grads, 1.0)
    opt(clipped)
""",
    "a rate lowered and assigned": MS + """lr = 1e-3
opt = nn.Momentum(net.trainable_params(), lr, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    if epoch in (30, 60):
        lr = lr * 0.1
        ops.assign(opt.learning_rate, Tensor(lr, ms.float32))
    for x, y in data:
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
    "a rate lowered and written by a helper": PT + """lr = 0.1
opt = optim.SGD(model.parameters(), lr=lr)
def set_lr(o, v):
    for g in o.param_groups:
        g['lr'] = v
for epoch in range(90):
    lr = lr * 0.9
    set_lr(opt, lr)
    for x, y in loader:
        opt.zero_grad()
        crit(model(x), y).backward()
        opt.step()
""",
    "a rate for the next stage's optimizer": PT + """lr = 0.1
for stage in range(3):
    opt = optim.SGD(model.parameters(), lr=lr)
    for x, y in loader:
        opt.zero_grad()
        crit(model(x), y).backward()
        opt.step()
    lr = lr * 0.1
""",
    "a cosine of batches at every batch": PT + """epochs = 90
opt = optim.SGD(model.parameters(), 0.1)
sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs * len(loader))
for epoch in range(epochs):
    for x, y in loader:
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
        sched.step()
""",
    "a cosine of epochs once per epoch": PT + """epochs = 90
opt = optim.SGD(model.parameters(), 0.1)
sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
for epoch in range(epochs):
    for x, y in loader:
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
    sched.step()
""",
    "warm restarts told the epoch": PT + """opt = optim.SGD(model.parameters(), 0.1)
sched = optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=epochs)
for epoch in range(epochs):
    for i, (x, y) in enumerate(loader):
        opt.zero_grad()
        crit(model(x), y).backward()
        opt.step()
        sched.step(epoch + i / len(loader))
""",
    "gradients cleared at the end": PT + """opt = optim.SGD(model.parameters(), 0.1)
opt.zero_grad()
for x, y in loader:
    loss = crit(model(x), y)
    loss.backward()
    opt.step()
    opt.zero_grad()
""",
    "another optimizer's gradients cleared between": PT + """d = nn.Linear(1, 1)
opt = optim.SGD(model.parameters(), 0.1)
opt_d = optim.SGD(d.parameters(), 0.1)
for x, y in loader:
    opt.zero_grad()
    loss = crit(d(model(x)), y)
    loss.backward()
    opt_d.zero_grad()
    opt.step()
    crit(d(model(x).detach()), y).backward()
    opt_d.step()
""",
    "a root of a step that counts from 1": MS + """opt = nn.Adam(net.trainable_params(), 1e-3)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
def get_lr(step):
    return 0.1 / math.sqrt(step)
step = 0
for x, y in data:
    step += 1
    ops.assign(opt.learning_rate, Tensor(get_lr(step), ms.float32))
    loss, grads = grad_fn(x, y)
    opt(grads)
""",
    "a step that is at least 1": PT + """opt = optim.Adam(model.parameters(), 1e-3)
step = 0
while step < 100:
    s = max(step, 1)
    for g in opt.param_groups:
        g['lr'] = 0.1 * min(s ** (-0.5), s * 40 ** (-1.5))
    opt.zero_grad()
    crit(model(x), y).backward()
    opt.step()
    step += 1
""",
    "the next update's rate": MS + """opt = nn.Adam(net.trainable_params(), 0.1)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
step = 0
for x, y in data:
    loss, grads = grad_fn(x, y)
    opt(grads)
    step += 1
    ops.assign(opt.learning_rate, Tensor(0.1 * 0.99 ** step, ms.float32))
""",
    "a rate read back for a log": PT + """lr = 0.1
opt = optim.SGD(model.parameters(), lr=lr)
sched = optim.lr_scheduler.StepLR(opt, 30)
for epoch in range(9):
    for x, y in loader:
        opt.zero_grad()
        crit(model(x), y).backward()
        opt.step()
    sched.step()
    lr = sched.get_last_lr()[0]
    print(lr)
""",
    "keys of the script's own": PT + """opt = optim.SGD([{'params': model.parameters(), 'lr_scale': 0.5}], 0.1)
for epoch in range(9):
    for group in opt.param_groups:
        group['lr'] = 0.1 * group['lr_scale'] * 0.5 ** epoch
        group['initial_lr'] = 0.1
        group['epoch'] = epoch
    for x, y in loader:
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
""",
    "a rate asked for a log": MS + """opt = nn.Momentum(net.trainable_params(), [0.1] * 50, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for i, (x, y) in enumerate(data):
    loss, grads = grad_fn(x, y)
    lr = opt.get_lr()
    opt(grads)
    print(lr)
""",
    "an attribute of the script's own": MS + """opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
setattr(opt, 'tag', 'main')
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
    "both networks of one optimizer clipped": PT + """critic = nn.Linear(2, 1)
opt = optim.Adam(list(model.parameters()) + list(critic.parameters()))
for x, y in loader:
    opt.zero_grad()
    (crit(critic(x), y) + model(x).mean()).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    torch.nn.utils.clip_grad_norm_(critic.parameters(), 1.0)
    opt.step()
""",
    "a decay over the steps of the data": MS + """n = dataset.get_dataset_size()
sched = nn.ExponentialDecayLR(0.1, 0.9, decay_steps=n, is_stair=True)
opt = nn.Momentum(net.trainable_params(), sched, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
    "the forward pass over other data": MS + """opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for x, y in data:
    loss, grads = grad_fn(x, y)
    opt(grads)
for x, y in val:
    print(forward(x, y))
""",
    "a rate that an update by hand uses": PT + """lr = 0.1
opt = optim.SGD(model.parameters(), lr=lr)
for e in range(9):
    for x, y in loader:
        opt.zero_grad()
        crit(model(x), y).backward()
        opt.step()
        with torch.no_grad():
            extra -= lr * extra.grad
    lr = lr * 0.5
""",
    "a rate returned and written": PT + """class T:
    def __init__(self):
        self.opt = optim.SGD(model.parameters(), 0.1)
    def adjust_lr(self, e):
        lr = 0.1 * 0.5 ** e
        for g in self.opt.param_groups:
            g['lr'] = lr
        return lr
    def fit(self):
        for e in range(9):
            self.adjust_lr(e)
            for x, y in loader:
                self.opt.zero_grad()
                crit(model(x), y).backward()
                self.opt.step()
""",
    "gradients looked at and cleared before another backward": PT + """opt = optim.Adam(model.parameters())
for x, y in loader:
    warm = crit(model(x), y)
    warm.backward()
    norm = sum(p.grad.norm() for p in model.parameters())
    opt.zero_grad()
    (crit(model(x), y) / norm).backward()
    opt.step()
""",
    "pairs of the script's own order": PT + """mine = [(p, n) for n, p in model.named_parameters()]
for p, n in mine:
    if n.endswith('bias'):
        p.requires_grad = False
""",
    "a key that the script reads": PT + """opt = optim.SGD([{'params': model.parameters(), 'learning_rate': 0.1}], 0.1)
for g in opt.param_groups:
    g['lr'] = g['learning_rate'] * 2
for epoch in range(epochs):
    for x, y in loader:
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
""",
    "groups of the script's own class": MS + """class Wrap:
    def __init__(self, opt):
        self.opt = opt
        self.param_groups = []
    def step(self, g):
        self.opt(g)
w = Wrap(nn.SGD(net.trainable_params(), 0.1))
vg = ms.value_and_grad(lambda x: net(x).sum(), None, net.trainable_params())
for x in data:
    l, g = vg(x)
    w.step(g)
    print(w.param_groups)
""",
    "groups of MindSpore's grouped optimizers": MS + """from mindspore.experimental import optim
opt = optim.Adam([{'params': net.trainable_params(), 'betas': (0.9, 0.99)}], lr=0.1)
vg = ms.value_and_grad(lambda x: net(x).sum(), None, opt.parameters)
for e in range(3):
    for g in opt.param_groups:
        g['lr'] = Tensor(0.1 * 0.5 ** e)
    for x in data:
        l, g = vg(x)
        opt(g)
""",
    "two networks clipped before two updates": PT + """D = nn.Linear(1, 1)
og = optim.Adam(model.parameters())
od = optim.Adam(D.parameters())
for x, y in loader:
    od.zero_grad()
    og.zero_grad()
    crit(D(model(x)), y).backward()
    nn.utils.clip_grad_norm_(D.parameters(), 1.0)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    od.step()
    og.step()
""",
    "a root of a count that began at 1": PT + """opt = optim.SGD(model.parameters(), 0.1)
for e in range(9):
    seen = 0
    for x, y in loader:
        seen += 1
        opt.zero_grad()
        l = crit(model(x), y)
        l.backward()
        opt.step()
        print(l / seen ** 0.5, 1 / math.sqrt(seen))
""",
}  # fmt: skip
