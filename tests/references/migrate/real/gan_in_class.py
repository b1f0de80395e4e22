import torch
import torch.nn as nn
from torch import optim


class GAN:
    def __init__(self, latent=4, lr=2e-3, b1=0.5):
        self.latent = latent
        self.G = nn.Sequential(nn.Linear(latent, 8), nn.ReLU(), nn.Linear(8, 3))
        self.D = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
        self.opt_G = optim.Adam(self.G.parameters(), lr=lr, betas=(b1, 0.999))
        self.opt_D = optim.Adam(self.D.parameters(), lr=lr, betas=(b1, 0.999))
        self.sched_G = optim.lr_scheduler.ExponentialLR(self.opt_G, 0.9)
        self.sched_D = optim.lr_scheduler.ExponentialLR(self.opt_D, 0.9)
        self.criterion = nn.BCEWithLogitsLoss()

    def step_D(self, real):
        n = real.size(0)
        z = torch.randn(n, self.latent)
        fake = self.G(z).detach()
        self.opt_D.zero_grad()
        loss = self.criterion(self.D(real), torch.ones(n, 1)) + self.criterion(self.D(fake), torch.zeros(n, 1))
        loss.backward()
        self.opt_D.step()
        return loss.item()

    def step_G(self, n):
        z = torch.randn(n, self.latent)
        self.opt_G.zero_grad()
        loss = self.criterion(self.D(self.G(z)), torch.ones(n, 1))
        loss.backward()
        self.opt_G.step()
        return loss.item()

    def fit(self, data, epochs):
        for epoch in range(epochs):
            for real in data:
                d = self.step_D(real)
                g = self.step_G(real.size(0))
            self.sched_G.step()
            self.sched_D.step()
            print(f"{epoch}: d {d:.4f} g {g:.4f} lr {self.sched_G.get_last_lr()[0]:.2e}")


if __name__ == "__main__":
    torch.manual_seed(1)
    GAN().fit([torch.randn(6, 3) for _ in range(5)], epochs=3)
