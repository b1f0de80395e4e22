import math
import torch
from torch import nn


class LR_Scheduler(object):
    """lr = baselr * (1 - iter/maxiter) ^ 0.9, ten times for the head"""

    def __init__(self, mode, base_lr, num_epochs, iters_per_epoch=0, lr_step=0, warmup_epochs=0):
        self.mode = mode
        self.lr = base_lr
        if mode == 'step':
            assert lr_step
        self.lr_step = lr_step
        self.iters_per_epoch = iters_per_epoch
        self.N = num_epochs * iters_per_epoch
        self.epoch = -1
        self.warmup_iters = warmup_epochs * iters_per_epoch

    def __call__(self, optimizer, i, epoch, best_pred):
        T = epoch * self.iters_per_epoch + i
        if self.mode == 'cos':
            lr = 0.5 * self.lr * (1 + math.cos(1.0 * T / self.N * math.pi))
        elif self.mode == 'poly':
            lr = self.lr * pow((1 - 1.0 * T / self.N), 0.9)
        elif self.mode == 'step':
            lr = self.lr * (0.1 ** (epoch // self.lr_step))
        else:
            raise NotImplemented
        if self.warmup_iters > 0 and T < self.warmup_iters:
            lr = lr * 1.0 * T / self.warmup_iters
        if epoch > self.epoch:
            print('\n=>Epoches %i, learning rate = %.4f, previous best = %.4f' % (epoch, lr, best_pred))
            self.epoch = epoch
        assert lr >= 0
        self._adjust_learning_rate(optimizer, lr)

    def _adjust_learning_rate(self, optimizer, lr):
        if len(optimizer.param_groups) == 1:
            optimizer.param_groups[0]['lr'] = lr
        else:
            optimizer.param_groups[0]['lr'] = lr
            for i in range(1, len(optimizer.param_groups)):
                optimizer.param_groups[i]['lr'] = lr * 10


class Trainer(object):
    def __init__(self):
        torch.manual_seed(0)
        self.model = nn.ModuleDict({"body": nn.Linear(4, 6), "head": nn.Linear(6, 2)})
        train_params = [{'params': self.model["body"].parameters(), 'lr': 0.05},
                        {'params': self.model["head"].parameters(), 'lr': 0.05 * 10}]
        self.optimizer = torch.optim.SGD(train_params, momentum=0.9, weight_decay=5e-4, nesterov=False)
        self.loader = [(torch.randn(3, 4), torch.randint(0, 2, (3,))) for _ in range(5)]
        self.scheduler = LR_Scheduler('poly', 0.05, 3, len(self.loader))
        self.criterion = nn.CrossEntropyLoss()
        self.best_pred = 0.0

    def training(self, epoch):
        train_loss = 0.0
        for i, (image, target) in enumerate(self.loader):
            self.scheduler(self.optimizer, i, epoch, self.best_pred)
            self.optimizer.zero_grad()
            output = self.model["head"](torch.relu(self.model["body"](image)))
            loss = self.criterion(output, target)
            loss.backward()
            self.optimizer.step()
            train_loss += loss.item()
        print('Loss: %.3f' % train_loss)


def main():
    trainer = Trainer()
    for epoch in range(3):
        trainer.training(epoch)


if __name__ == "__main__":
    main()
