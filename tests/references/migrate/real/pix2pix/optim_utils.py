import torch
from torch import optim
from torch.optim import lr_scheduler


def get_optimizer(args, model):
    if args["opt"] == "sgd":
        return optim.SGD(model.parameters(), lr=args["lr"], momentum=0.9)
    if args["opt"] == "adam":
        return optim.Adam(model.parameters(), lr=args["lr"])
    if args["opt"] == "rmsprop":
        return optim.RMSprop(model.parameters(), lr=args["lr"])
    raise ValueError(args["opt"])


def get_scheduler(optimizer, opt):
    """Return a learning rate scheduler (pix2pix)"""
    if opt["lr_policy"] == 'linear':
        def lambda_rule(epoch):
            lr_l = 1.0 - max(0, epoch + opt["epoch_count"] - opt["n_epochs"]) / float(opt["n_epochs_decay"] + 1)
            return lr_l
        scheduler = lr_scheduler.LambdaLR(optimizer, lr_lambda=lambda_rule)
    elif opt["lr_policy"] == 'step':
        scheduler = lr_scheduler.StepLR(optimizer, step_size=opt["lr_decay_iters"], gamma=0.1)
    elif opt["lr_policy"] == 'plateau':
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode='min', factor=0.2, threshold=0.01, patience=5)
    elif opt["lr_policy"] == 'cosine':
        scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=opt["n_epochs"], eta_min=0)
    else:
        return NotImplementedError('learning rate policy [%s] is not implemented', opt["lr_policy"])
    return scheduler
