"""RAFT and its like: OneCycleLR without momentum, a wrapper function that fetches both, a global step counter and break."""
import torch
import torch.nn as nn
import torch.optim as optim


def fetch_optimizer(args, model):
    """ Create the optimizer and learning rate scheduler """
    optimizer = optim.AdamW(model.parameters(), lr=args["lr"], weight_decay=args["wdecay"], eps=args["epsilon"])
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, args["lr"], args["num_steps"] + 100,
                                              pct_start=0.05, cycle_momentum=False, anneal_strategy='linear')
    return optimizer, scheduler


class Logger:
    def __init__(self, model, scheduler):
        self.model = model
        self.scheduler = scheduler
        self.total_steps = 0

    def push(self, loss):
        self.total_steps += 1
        if self.total_steps % 5 == 0:
            print("[{:6d}, {:10.7f}] ".format(self.total_steps, self.scheduler.get_last_lr()[0]), loss)


def train(args):
    model = nn.Linear(4, 2)
    train_loader = [(torch.randn(6, 4), torch.randn(6, 2)) for _ in range(6)]
    optimizer, scheduler = fetch_optimizer(args, model)
    total_steps = 0
    logger = Logger(model, scheduler)
    should_keep_training = True
    while should_keep_training:
        for i_batch, data_blob in enumerate(train_loader):
            optimizer.zero_grad()
            image, flow = [x.cpu() for x in data_blob]
            flow_predictions = model(image)
            loss = (flow_predictions - flow).abs().mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), args["clip"])
            optimizer.step()
            scheduler.step()
            logger.push(loss.item())
            total_steps += 1
            if total_steps > args["num_steps"]:
                should_keep_training = False
                break


torch.manual_seed(0)
train({"lr": 0.01, "wdecay": 1e-4, "epsilon": 1e-8, "num_steps": 20, "clip": 1.0})
