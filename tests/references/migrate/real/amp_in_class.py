import torch
from torch import nn
from torch.amp import GradScaler, autocast


class Engine:
    def __init__(self, model, use_amp, epochs):
        self.model = model
        self.optim = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        self.scaler = GradScaler("cpu", enabled=use_amp)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.optim, epochs)
        self.use_amp = use_amp
        self.epochs = epochs

    def run_batch(self, x, y):
        with autocast("cpu", enabled=self.use_amp):
            pred = self.model(x)
            loss = nn.functional.mse_loss(pred, y)
        self.optim.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optim)
        nn.utils.clip_grad_norm_(self.model.parameters(), 0.1)
        self.scaler.step(self.optim)
        self.scaler.update()
        return loss.detach()

    def run(self, data):
        for e in range(self.epochs):
            total = torch.zeros(())
            for x, y in data:
                total += self.run_batch(x, y)
            self.sched.step()
            print(e, (total / len(data)).item(), self.sched.get_last_lr())


torch.manual_seed(2)
Engine(nn.Linear(4, 2), False, 4).run([(torch.randn(5, 4), torch.randn(5, 2)) for _ in range(3)])
