"""A physics-informed network: Adam first, then L-BFGS with a closure."""
import torch
import torch.nn as nn


class PINN:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1))
        self.x = torch.linspace(0, 1, 16).view(-1, 1).requires_grad_(True)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=1e-2)
        self.lbfgs = torch.optim.LBFGS(self.net.parameters(), lr=1.0, max_iter=5, line_search_fn="strong_wolfe")
        self.iter = 0

    def loss_fn(self):
        u = self.net(self.x)
        return ((u - torch.sin(3 * self.x)) ** 2).mean() + (u[0] ** 2).sum()

    def closure(self):
        self.lbfgs.zero_grad()
        loss = self.loss_fn()
        loss.backward()
        self.iter += 1
        return loss

    def train(self):
        for i in range(20):
            self.adam.zero_grad()
            loss = self.loss_fn()
            loss.backward()
            self.adam.step()
        self.lbfgs.step(self.closure)


torch.manual_seed(0)
PINN().train()
