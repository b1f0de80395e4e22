"""Scripts whose rates are asked for, or move in a function, a factory or beside others: a name, and the text."""

# ruff: noqa: E501

from returns import HEAD, SHAPES

MOVING = {
    "the rate as mindocr asks for it, and where it goes": HEAD
    + """
from mindspore.train import Model, Callback
def fetch_optimizer_lr(opt):
    lr = opt.learning_rate
    if opt.dynamic_lr:
        if opt.is_group_lr:
            lr = ()
            for learning_rate in opt.learning_rate:
                cur = learning_rate(opt.global_step - 1).reshape(())
                lr += (cur,)
        else:
            lr = opt.learning_rate(opt.global_step - 1).reshape(())
    return lr
opt = nn.Momentum(net.trainable_params(), nn.cosine_decay_lr(0.001, 0.1, 12, 4, 3), 0.9)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for e in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
        rate = fetch_optimizer_lr(opt)
        print(f"lr: {rate.asnumpy():.6f}")
""",
    "the rate as mindcv and mindyolo ask for it": HEAD
    + """
class Trainer:
    def __init__(self, opt, net):
        self.optimizer = opt
        self.global_step = 0
        self.grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
    def rate(self):
        if self.optimizer.global_step < 1:
            print("no step yet")
            step = Tensor((0,), ms.int32)
        else:
            step = self.optimizer.global_step - 1
        if self.optimizer.dynamic_lr:
            if isinstance(self.optimizer.learning_rate, ms.nn.CellList):
                lr = self.optimizer.learning_rate[0](step)[0]
            else:
                lr = self.optimizer.learning_rate(step)[0]
        else:
            lr = self.optimizer.learning_rate
        return lr
    def train(self):
        for e in range(3):
            for x, y in create_dataset().create_tuple_iterator():
                loss, grads = self.grad_fn(x, y)
                self.optimizer(grads)
                self.global_step += 1
                lr = self.rate().asnumpy()
                if self.optimizer.dynamic_lr:
                    if self.optimizer.is_group_lr:
                        lr_cell = self.optimizer.learning_rate[0]
                        cur_lr = lr_cell(Tensor(self.global_step - 1, ms.int32)).asnumpy().item()
                    else:
                        cur_lr = self.optimizer.learning_rate(Tensor(self.global_step - 1, ms.int32)).asnumpy().item()
                else:
                    cur_lr = self.optimizer.learning_rate.asnumpy().item()
                print(f"cur_lr: {cur_lr:.5f} {lr:.5f}")
opt = nn.Momentum(net.trainable_params(), nn.cosine_decay_lr(0.001, 0.1, 12, 4, 3), 0.9)
Trainer(opt, net).train()
""",
    "rates of groups, one by one": HEAD
    + """
opt = nn.Momentum([{"params": net.body.trainable_params(), "lr": 0.02}, {"params": net.norm.trainable_params() + net.head.trainable_params()}], 0.01, 0.9)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for e in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
    lrs = opt.get_lr()
    print(lrs[0].asnumpy(), opt.get_lr()[-1].asnumpy(), float(opt.learning_rate[0]))
    print(opt.is_group_lr, opt.dynamic_lr)
    lr = opt.get_lr()
""",
    "a step in a function that is given the optimizer": HEAD
    + """
def train(opt, grad_fn):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
def main():
    opt = nn.Momentum(net.trainable_params(), nn.cosine_decay_lr(0.001, 0.1, 12, 4, 3), 0.9)
    grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
    for e in range(3):
        train(opt, grad_fn)
main()
""",
    "a factory, and a Model": HEAD
    + """
from mindspore.train import Model
def build():
    return nn.Momentum(net.trainable_params(), nn.cosine_decay_lr(0.001, 0.1, 12, 4, 3), 0.9)
def main():
    opt = build()
    Model(net, loss_fn, opt).train(3, create_dataset(), dataset_sink_mode=False)
main()
""",
    "of two classes only one has rates that move": HEAD
    + """
kind = "mom"
if kind == "adam":
    opt = nn.Adagrad(net.trainable_params(), learning_rate=0.1)
else:
    opt = nn.Momentum(net.trainable_params(), nn.cosine_decay_lr(0.001, 0.1, 12, 4, 3), 0.9)
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for e in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
""",
    "a factory whose every class has rates that move": HEAD
    + """
from mindspore.train import Model
def build(kind, n):
    lr = nn.cosine_decay_lr(0.001, 0.1, n, 4, 3)
    if kind == "adam":
        return nn.Adam(net.trainable_params(), lr)
    return nn.Momentum(net.trainable_params(),
                       lr,
                       0.9)
def main():
    opt = build("mom", 12)
    step = nn.TrainOneStepCell(nn.WithLossCell(net, loss_fn), opt)
    for e in range(3):
        for x, y in create_dataset().create_tuple_iterator():
            step(x, y)
main()
""",
    "epochs of sink_size batches": HEAD
    + """
from mindspore.train import Model, LossMonitor, TimeMonitor
class cfg:
    sink = 4
    enable = "true"
opt = nn.Momentum(net.trainable_params(), nn.cosine_decay_lr(0.001, 0.1, 12, 4, 3), 0.9)
model = Model(net, loss_fn, opt)
model.train(2, create_dataset(), callbacks=[LossMonitor(), TimeMonitor()], dataset_sink_mode=(cfg.enable == "true"), sink_size=cfg.sink)
model.train(1, create_dataset(), dataset_sink_mode=True, sink_size=4)
""",
    "ready steps kept by objects, one optimizer made in place": HEAD
    + """
class Trainer:
    def __init__(self, net, opt, loss_fn):
        self.net, self.loss_fn, self.opt = net, loss_fn, opt
        self.with_loss = nn.WithLossCell(net, self.loss_fn)
        self.train_step = nn.TrainOneStepCell(self.with_loss, self.opt)
        self.train_step.set_train()
    def run(self):
        for e in range(3):
            total = 0.0
            for x, y in create_dataset().create_tuple_iterator():
                loss = self.train_step(x, y)
                total += loss.asnumpy()
            print(total)
Trainer(net, nn.Momentum(net.trainable_params(), nn.cosine_decay_lr(0.001, 0.1, 24, 4, 6), 0.9), loss_fn).run()
class Both:
    def __init__(self):
        criterion = nn.MSELoss()
        optimizer = nn.Adagrad(net.trainable_params(), learning_rate=0.05)
        self.train_net = nn.TrainOneStepCell(nn.WithLossCell(net, criterion), optimizer)
        self.train_net.set_train()
        for epoch in range(2):
            for x, y in create_dataset().create_tuple_iterator():
                loss = self.train_net(x, y)
            print(f"{loss.asnumpy():.4f}")
Both()
""",
    "lists of callbacks that are made anew": HEAD
    + """
from mindspore.train import Model, LossMonitor, TimeMonitor, LearningRateScheduler
def f(lr, step):
    return lr * 0.9
big, small = True, False
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
cbs = [LossMonitor(), LearningRateScheduler(f)]
if big:
    if small:
        cbs = [LossMonitor()]
    else:
        cbs = [LossMonitor(), TimeMonitor(), LearningRateScheduler(f)]
Model(net, loss_fn, opt).train(3, create_dataset(), callbacks=cbs, dataset_sink_mode=False)
""",
    "a scale that a platform chooses, and a step under its network's name in each branch": HEAD
    + """
GPU = False
class Step(nn.Cell):
    def __init__(self, network, optimizer, sens=1.0):
        super(Step, self).__init__(auto_prefix=False)
        self.network = network
        self.network.set_grad()
        self.weights = ms.ParameterTuple(network.trainable_params())
        self.optimizer = optimizer
        self.grad = ops.GradOperation(get_by_list=True, sens_param=True)
        if GPU:
            self.sens = Tensor((np.ones((1,)) * sens).astype(np.float16))
        else:
            self.sens = Tensor((np.ones((1,)) * sens).astype(np.float32))
        self.hyper_map = ops.HyperMap()
    def construct(self, x, y):
        weights = self.weights
        loss = self.network(x, y)
        grads = self.grad(self.network, weights)(x, y, self.sens)
        self.optimizer(grads)
        return loss
class L(nn.LossBase):
    def construct(self, x, y):
        return ((x - y) ** 2).mean().reshape((1,))
net = nn.WithLossCell(net, L())
if GPU:
    opt = nn.Momentum(net.trainable_params(), 0.1, 0.9, loss_scale=8.0)
    net = Step(net, opt, sens=8.0)
else:
    opt = nn.Momentum(net.get_parameters(), 0.2, 0.5, loss_scale=8.0)
    net = Step(net, opt, sens=8.0)
for e in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        net(x, y)
""",
    "a layer of MindSpore's that has normalizations": """import mindspore as ms
from mindspore import nn
class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.t = nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=8, dropout=0.0)
    def construct(self, x):
        return self.t(x).mean()
net = Net()
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9, weight_decay=0.1)
fn = ms.value_and_grad(net, None, opt.parameters)
x = ms.ops.ones((2, 3, 8))
for i in range(3):
    loss, grads = fn(x)
    opt(grads)
""",
    "a ready step of the same weights between gradients and update": HEAD
    + """
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
slow = nn.SGD(net.trainable_params(), 0.01)
def forward(x, y):
    return loss_fn(net(x), y)
fn = ms.value_and_grad(forward, None, opt.parameters)
step = nn.TrainOneStepCell(nn.WithLossCell(net, loss_fn), slow)
for e in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = fn(x, y)
        step(2 * x, y)
        opt(grads)
""",
    "an own step of the same weights between gradients and update": HEAD
    + """
class Step(nn.Cell):
    def __init__(self, net, opt):
        super().__init__()
        self.net, self.opt = net, opt
        self.fn = ms.value_and_grad(lambda x, y: loss_fn(self.net(x), y), None, self.opt.parameters)
    def construct(self, x, y):
        loss, grads = self.fn(x, y)
        self.opt(grads)
        return loss
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
slow = nn.SGD(net.trainable_params(), 0.01)
step = Step(net, slow)
fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for e in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = fn(x, y)
        step(2 * x, y)
        opt(grads)
""",
    "a resume from a file": SHAPES["resume from a checkpoint of net and optimizer"],
}
