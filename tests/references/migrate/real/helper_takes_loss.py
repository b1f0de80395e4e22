import torch
import torch.optim as O
import torch.nn as nn
import torch.nn.functional as F


def step(loss, optimizer):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def main():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    opt = O.Adam(net.parameters(), 1e-2, (0.8, 0.99))
    sch = O.lr_scheduler.StepLR(opt, 2, .5)
    data = [(torch.randn(5, 4), torch.randn(5, 1)) for _ in range(4)]
    for epoch in range(5):
        total = 0.0
        for x, y in data:
            pred = net(x)
            loss = F.mse_loss(pred, y)
            step(loss, opt)
            total += loss.item()
        sch.step()
        print(f"{epoch}: {total:.4f} lr={sch.get_last_lr()[0]:.5f}")


if __name__ == "__main__":
    main()
