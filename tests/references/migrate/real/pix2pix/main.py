import torch
from torch import nn
from model import Pix2PixModel
from optim_utils import get_optimizer

if __name__ == '__main__':
    torch.manual_seed(0)
    opt = dict(lr=2e-3, beta1=0.5, lr_policy="linear", epoch_count=1, n_epochs=2, n_epochs_decay=2, lambda_L1=10.0, lr_decay_iters=5, opt="adam")
    model = Pix2PixModel(opt)
    model.setup(opt)
    data = [(torch.randn(4, 3), torch.randn(4, 3)) for _ in range(3)]
    for epoch in range(opt["epoch_count"], opt["n_epochs"] + opt["n_epochs_decay"] + 1):
        for batch in data:
            model.set_input(batch)
            model.optimize_parameters()
        model.update_learning_rate()
    probe = nn.Linear(3, 1)
    optimizer = get_optimizer(opt, probe)
    for a, b in data:
        optimizer.zero_grad()
        loss = (probe(a) - b[:, :1]).pow(2).mean()
        loss.backward()
        optimizer.step()
