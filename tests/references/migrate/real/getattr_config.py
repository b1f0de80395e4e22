import torch
import torch.nn as nn

CFG = {
    "arch": {"type": "Linear", "args": {"in_features": 4, "out_features": 1}},
    "optimizer": {"type": "Adam", "args": {"lr": 0.01, "weight_decay": 0, "amsgrad": True}},
    "lr_scheduler": {"type": "StepLR", "args": {"step_size": 2, "gamma": 0.1}},
}


def init_obj(config, name, module, *args, **kwargs):
    module_name = config[name]["type"]
    module_args = dict(config[name]["args"])
    module_args.update(kwargs)
    return getattr(module, module_name)(*args, **module_args)


def main(config):
    model = init_obj(config, "arch", nn)
    trainable_params = filter(lambda p: p.requires_grad, model.parameters())
    optimizer = init_obj(config, "optimizer", torch.optim, trainable_params)
    lr_scheduler = init_obj(config, "lr_scheduler", torch.optim.lr_scheduler, optimizer)
    for epoch in range(4):
        for k in range(3):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(torch.randn(8, 4)), torch.randn(8, 1))
            loss.backward()
            optimizer.step()
        lr_scheduler.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    main(CFG)
