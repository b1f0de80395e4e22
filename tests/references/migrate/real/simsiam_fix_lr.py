import argparse
import math
import torch
import torch.nn as nn

parser = argparse.ArgumentParser(description='SimSiam in the small')
parser.add_argument('--epochs', default=4, type=int)
parser.add_argument('--lr', '--learning-rate', default=0.05, type=float, dest='lr')
parser.add_argument('--batch-size', default=16, type=int)
parser.add_argument('--momentum', default=0.9, type=float)
parser.add_argument('--wd', '--weight-decay', default=1e-4, type=float, dest='weight_decay')
parser.add_argument('--fix-pred-lr', action='store_true')


class SimSiam(nn.Module):
    def __init__(self, dim=6):
        super(SimSiam, self).__init__()
        self.encoder = nn.Sequential(nn.Linear(4, dim), nn.Tanh(), nn.Linear(dim, dim))
        self.predictor = nn.Sequential(nn.Linear(dim, 3), nn.Tanh(), nn.Linear(3, dim))

    def forward(self, x1, x2):
        z1 = self.encoder(x1)
        z2 = self.encoder(x2)
        p1 = self.predictor(z1)
        p2 = self.predictor(z2)
        return p1, p2, z1.detach(), z2.detach()


def main():
    args = parser.parse_args(['--fix-pred-lr'])
    torch.manual_seed(0)
    main_worker(args)


def main_worker(args):
    model = SimSiam()
    # infer learning rate before changing batch size
    init_lr = args.lr * args.batch_size / 256
    criterion = nn.CosineSimilarity(dim=1)
    if args.fix_pred_lr:
        optim_params = [{'params': model.encoder.parameters(), 'fix_lr': False},
                        {'params': model.predictor.parameters(), 'fix_lr': True}]
    else:
        optim_params = model.parameters()
    optimizer = torch.optim.SGD(optim_params, init_lr,
                                momentum=args.momentum,
                                weight_decay=args.weight_decay)
    images = [torch.randn(args.batch_size, 4) for _ in range(5)]
    for epoch in range(args.epochs):
        adjust_learning_rate(optimizer, init_lr, epoch, args)
        # train for one epoch
        train(images, model, criterion, optimizer, epoch, args)


def train(train_loader, model, criterion, optimizer, epoch, args):
    model.train()
    for i, image in enumerate(train_loader):
        # compute output and loss
        p1, p2, z1, z2 = model(x1=image, x2=image + 0.1)
        loss = -(criterion(p1, z2).mean() + criterion(p2, z1).mean()) * 0.5
        # compute gradient and do SGD step
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def adjust_learning_rate(optimizer, init_lr, epoch, args):
    """Decay the learning rate based on schedule"""
    cur_lr = init_lr * 0.5 * (1. + math.cos(math.pi * epoch / args.epochs))
    for param_group in optimizer.param_groups:
        if 'fix_lr' in param_group and param_group['fix_lr']:
            param_group['lr'] = init_lr
        else:
            param_group['lr'] = cur_lr


if __name__ == '__main__':
    main()
