"""Scripts with one mistake each, in forms that ports have it in."""

MS = """import math
import mindspore as ms
from mindspore import nn, ops, Tensor
net = nn.Dense(2, 1)
loss_fn = nn.MSELoss()
"""
PT = """import math
import torch
from torch import nn, optim
model = nn.Linear(2, 1)
crit = nn.MSELoss()
"""
# script, line, what is said
MISTAKEN = {
    "a class under a name of the script's": (
        MS + """optimizer_cls = nn.AdamWeightDecay
opt = optimizer_cls(net.trainable_params(), 1e-3, betas=(0.9, 0.98))
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        7,
        "AdamWeightDecay has no argument 'betas'; it is",
    ),
    "a rate of a trainer's count, an update late": (
        MS + """
class Trainer:
    def __init__(self, net, d_model, warmup):
        self.d_model, self.warmup, self.step = d_model, warmup, 1
        self.optimizer = nn.Adam(net.trainable_params(), learning_rate=1e-4)
        self.grad_fn = ms.value_and_grad(self.forward, None, self.optimizer.parameters)
    def forward(self, x, y):
        return loss_fn(net(x), y)
    def rate(self):
        return self.d_model ** -0.5 * min(self.step ** -0.5, self.step * self.warmup ** -1.5)
    def fit(self, data):
        for x, y in data:
            loss, grads = self.grad_fn(x, y)
            self.optimizer(grads)
            ops.assign(self.optimizer.learning_rate, Tensor(self.rate(), ms.float32))
            self.step += 1
Trainer(net, 512, 4000).fit(data)
""",
        20,
        'the rate is assigned after the update it is me',
    ),
    "a root of the step in a function": (
        MS + """opt = nn.Adam(net.trainable_params(), 1e-3)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
def get_lr(step):
    return 0.1 / math.sqrt(step)
step = 0
for x, y in data:
    ops.assign(opt.learning_rate, Tensor(get_lr(step), ms.float32))
    loss, grads = grad_fn(x, y)
    opt(grads)
    step += 1
""",
        14,
        'the first step is 0, and get_lr raises it to a',
    ),
    "a power of a step counted by hand": (
        PT + """opt = optim.Adam(model.parameters(), 1e-3)
step = 0
while step < 100:
    for g in opt.param_groups:
        g['lr'] = 0.1 * min(step ** (-0.5), step * 40 ** (-1.5))
    opt.zero_grad()
    crit(model(x), y).backward()
    opt.step()
    step += 1
""",
        10,
        'step is 0 at the first step, raised to a negat',
    ),
    "a rate divided and not written": (
        PT + """lr = 0.1
opt = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
for epoch in range(90):
    if epoch % 30 == 29:
        lr /= 10
    for x, y in loader:
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
    print(epoch, lr)
""",
        10,
        'the learning rate is changed here and never gi',
    ),
    "a rate returned and thrown away": (
        MS + """opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
def adjust_learning_rate(epoch):
    lr = 0.1 * 0.1 ** (epoch // 30)
    return lr
for epoch in range(90):
    adjust_learning_rate(epoch)
    for x, y in data:
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        14,
        'what this function returns is thrown away: the',
    ),
    "a pair swapped under short names": (
        PT + """decay, no_decay = [], []
for w, k in model.named_parameters():
    if k.endswith('bias'):
        no_decay.append(w)
    else:
        decay.append(w)
opt = optim.SGD([{'params': decay, 'weight_decay': 1e-4}, {'params': no_decay}], 0.1)
for epoch in range(epochs):
    for x, y in loader:
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
""",
        7,
        'named_parameters gives the name first and then',
    ),
    "two outputs of a partial function": (
        MS + """from functools import partial
opt = nn.Adam(net.trainable_params())
def forward(train, x, y):
    p = net(x)
    return loss_fn(p, y), p
grad_fn = ops.value_and_grad(partial(forward, True), None, opt.parameters)
for x, y in data:
    (loss, p), grads = grad_fn(x, y)
    opt(grads)
""",
        11,
        'the function has 2 outputs and has_aux is not ',
    ),
    "two outputs behind a lambda": (
        MS + """opt = nn.Adam(net.trainable_params())
def forward(x, y):
    p = net(x)
    return loss_fn(p, y), p
grad_fn = ops.value_and_grad(lambda x, y: forward(x, y), None, opt.parameters, has_aux=False)
for x, y in data:
    (loss, p), grads = grad_fn(x, y)
    opt(grads)
""",
        10,
        'the function has 2 outputs and has_aux is not ',
    ),
    "two outputs of a function that a function makes": (
        MS + """opt = nn.Adam(net.trainable_params())
def made(net):
    def forward(x, y):
        p = net(x)
        return loss_fn(p, y), p
    return forward
fn = made(net)
grad_fn = ops.value_and_grad(fn, None, opt.parameters)
for x, y in data:
    loss, grads = grad_fn(x, y)
    opt(grads)
""",
        13,
        'the function has 2 outputs and has_aux is not ',
    ),
    "the length of an epoch as a number": (
        MS + """EPOCH_LEN = 391
sched = nn.ExponentialDecayLR(0.1, 0.9, decay_steps=EPOCH_LEN, is_stair=True)
opt = nn.Momentum(net.trainable_params(), sched, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        6,
        'steps per epoch is a number here: take it from',
    ),
    "get_lr into a name that nothing reads": (
        MS + """opt = nn.Momentum(net.trainable_params(), [0.1] * 50, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for i, (x, y) in enumerate(data):
    loss, grads = grad_fn(x, y)
    if i % 2:
        opt(grads)
    else:
        _ = opt.get_lr()
""",
        15,
        'get_lr() reads the rate and does not advance t',
    ),
    "a number set by its name": (
        MS + """opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    setattr(opt, 'momentum', Tensor(0.8 + 0.01 * epoch))
    for x, y in data:
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        11,
        "assigning to an attribute of MindSpore's optim",
    ),
    "a cosine of epochs, stepped at every batch": (
        PT + """epochs = 90
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
        15,
        'the schedule is 90 epochs long, and it is step',
    ),
    "gradients cleared before the update": (
        PT + """opt = optim.SGD(model.parameters(), 0.1)
for x, y in loader:
    loss = crit(model(x), y)
    loss.backward()
    opt.zero_grad()
    opt.step()
""",
        10,
        'the gradients are cleared between backward() a',
    ),
    "clipped gradients under another name": (
        MS + """opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for x, y in data:
    loss, grads = grad_fn(x, y)
    clipped = ops.clip_by_global_norm(grads, 1.0)
    opt(grads)
""",
        12,
        'what is clipped is never looked at: the optimi',
    ),
    "a group's rate under MindSpore's name": (
        PT + """opt = optim.SGD(model.parameters(), 0.1)
for epoch in range(9):
    for group in opt.param_groups:
        group['learning_rate'] = 0.1 * 0.5 ** epoch
    for x, y in loader:
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
""",
        9,
        "PyTorch does not look at a group's 'learning_r",
    ),
    "a key that MindSpore refuses": (
        MS + """opt = nn.Momentum([{'params': net.trainable_params(), 'learning_rate': 0.01}], 0.1, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        6,
        "a group of MindSpore's takes params, lr, weigh",
    ),
    "groups that MindSpore has not": (
        MS + """opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(9):
    for g in opt.param_groups:
        g['lr'] = 0.1 * 0.5 ** epoch
    for x, y in data:
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        11,
        "MindSpore's optimizers have no param_groups: a",
    ),
    "the actor clipped before the critic's update": (
        PT + """critic = nn.Linear(2, 1)
actor_opt = optim.Adam(model.parameters())
critic_opt = optim.Adam(critic.parameters())
for x, y in loader:
    critic_opt.zero_grad()
    loss = crit(critic(x), y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    critic_opt.step()
    actor_opt.zero_grad()
    (-critic(model(x))).mean().backward()
    actor_opt.step()
""",
        13,
        'these are not the parameters of the update tha',
    ),
    "a joined list that is not used": (
        MS + """warm = nn.warmup_lr(0.1, 2 * steps, steps, 2)
cos = nn.cosine_decay_lr(0.0, 0.1, 8 * steps, steps, 8)
lr = warm + cos
opt = nn.Momentum(net.trainable_params(), cos, 0.9)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        8,
        'these learning rates are made and no optimizer',
    ),
    "a rate of another object's count, an update late": (
        PT + """
class Noam:
    def __init__(self, optimizer, size):
        self.optimizer, self.size, self.n = optimizer, size, 1
    def rate(self):
        return self.size ** -0.5 * self.n ** -0.5
opt = optim.Adam(model.parameters(), 0)
noam = Noam(opt, 64)
for x, y in loader:
    opt.zero_grad()
    crit(model(x), y).backward()
    opt.step()
    for g in opt.param_groups:
        g['lr'] = noam.rate()
    noam.n += 1
""",
        19,
        'the rate is assigned after the update it is me',
    ),
    "a rate made from the epoch and not written": (
        PT + """def train(args):
    lr = args.lr
    opt = optim.Adam(model.parameters(), lr=lr)
    for epoch in range(args.epochs):
        for x, y in loader:
            opt.zero_grad()
            crit(model(x), y).backward()
            opt.step()
        if (epoch + 1) % 20 == 0:
            lr = args.lr * 0.1 ** ((epoch + 1) // 20)
            print('lr', lr)
""",
        15,
        'the learning rate is changed here and never gi',
    ),
    "a cosine of batches, stepped once per epoch": (
        PT + """opt = optim.SGD(model.parameters(), 0.1)
total = num_epochs * len(loader)
sched = optim.lr_scheduler.CosineAnnealingLR(opt, total)
for e in range(num_epochs):
    for x, y in loader:
        opt.zero_grad()
        crit(model(x), y).backward()
        opt.step()
    sched.step()
""",
        14,
        'the schedule is batches of loader × num_epochs',
    ),
    "a group's rate that PyTorch does not look at": (
        PT + """opt = optim.AdamW([{'params': model.parameters(), 'learning_rate': 1e-5}], lr=1e-3)
for epoch in range(epochs):
    for x, y in loader:
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
""",
        6,
        "PyTorch does not look at a group's 'learning_r",
    ),
    "gradients cleared that are values": (
        MS + """opt = nn.SGD(net.trainable_params(), 0.1)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for x, y in data:
    opt.zero_grad()
    loss, grads = grad_fn(x, y)
    opt(grads)
""",
        11,
        "MindSpore's optimizers have no zero_grad: grad",
    ),
    "RMSProp with PyTorch's defaults in their places": (
        MS + """opt = nn.RMSProp(net.trainable_params(), 1e-3, 0.99, 0.0, 1e-8)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        6,
        "these are PyTorch's defaults, but nn.RMSProp s",
    ),
    "a weight decay that moves in a group": (
        MS + """decay = nn.ExponentialDecayLR(1e-4, 0.9, 10)
opt = nn.SGD([{'params': net.trainable_params(), 'weight_decay': decay}], 0.1)
def forward(x, y):
    return loss_fn(net(x), y)
grad_fn = ms.value_and_grad(forward, None, opt.parameters)
for epoch in range(epochs):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
        7,
        'nn.SGD takes no weight decay that moves and ra',
    ),
    "a lambda that is infinite at step 0": (
        PT + """opt = optim.Adam(model.parameters(), 1.0)
sched = optim.lr_scheduler.LambdaLR(opt, lambda s: 64 ** -0.5 * min(s ** -0.5, s * 400 ** -1.5))
for x, y in loader:
    opt.zero_grad()
    crit(model(x), y).backward()
    opt.step()
    sched.step()
""",
        7,
        'the first step is 0, raised to a negative powe',
    ),
    "a scheduler stepped when an epoch begins": (
        PT + """class T:
    def __init__(self):
        self.opt = optim.SGD(model.parameters(), 0.1)
        self.sched = optim.lr_scheduler.StepLR(self.opt, 3)
    def fit(self):
        for e in range(9):
            self.sched.step()
            for x, y in loader:
                self.opt.zero_grad()
                crit(model(x), y).backward()
                self.opt.step()
""",
        12,
        'the scheduler is stepped before the optimizer:',
    ),
}  # fmt: skip
