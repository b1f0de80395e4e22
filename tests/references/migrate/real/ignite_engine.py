import torch
from torch import nn


class Engine:
    def __init__(self, process_function):
        self.process_function = process_function
        self.handlers = {}

    def on(self, event):
        def wrap(fn):
            self.handlers.setdefault(event, []).append(fn)
            return fn
        return wrap

    def run(self, data, max_epochs):
        for self.epoch in range(max_epochs):
            for batch in data:
                self.output = self.process_function(self, batch)
            for fn in self.handlers.get("epoch", []):
                fn(self)


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.8)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.7)


def train_step(engine, batch):
    model.train()
    optimizer.zero_grad()
    x, y = batch
    y_pred = model(x)
    loss = nn.functional.mse_loss(y_pred, y)
    loss.backward()
    optimizer.step()
    return loss.item()


trainer = Engine(train_step)


@trainer.on("epoch")
def update_lr(engine):
    scheduler.step()
    print("lr", scheduler.get_last_lr()[0])


trainer.run([(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(4)], max_epochs=3)
