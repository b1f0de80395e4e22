import torch
from torch import nn


class Model:
    """State between the calls lies on self."""

    def __init__(self):
        torch.manual_seed(0)
        self.net_g = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 3))
        self.net_d = nn.Sequential(nn.Linear(3, 6), nn.LeakyReLU(0.2), nn.Linear(6, 1))
        self.optimizer_g = torch.optim.Adam(self.net_g.parameters(), lr=1e-3, betas=(0.9, 0.99))
        self.optimizer_d = torch.optim.Adam(self.net_d.parameters(), lr=1e-3, betas=(0.9, 0.99))
        self.cri_pix = nn.L1Loss()
        self.cri_gan = nn.BCEWithLogitsLoss()
        self.log_dict = {}

    def feed_data(self, data):
        self.lq, self.gt = data

    def optimize_parameters(self, current_iter):
        for p in self.net_d.parameters():
            p.requires_grad = False

        self.optimizer_g.zero_grad()
        self.output = self.net_g(self.lq)
        l_g_total = 0
        l_pix = self.cri_pix(self.output, self.gt)
        l_g_total += l_pix
        fake_g_pred = self.net_d(self.output)
        l_g_gan = self.cri_gan(fake_g_pred, torch.ones_like(fake_g_pred))
        l_g_total += 0.1 * l_g_gan
        l_g_total.backward()
        self.optimizer_g.step()

        for p in self.net_d.parameters():
            p.requires_grad = True
        self.optimizer_d.zero_grad()
        real_d_pred = self.net_d(self.gt)
        l_d_real = self.cri_gan(real_d_pred, torch.ones_like(real_d_pred))
        fake_d_pred = self.net_d(self.output.detach())
        l_d_fake = self.cri_gan(fake_d_pred, torch.zeros_like(fake_d_pred))
        (l_d_real + l_d_fake).backward()
        self.optimizer_d.step()
        self.log_dict["l_pix"] = l_pix.item()


m = Model()
data = [(torch.randn(4, 3), torch.randn(4, 3)) for _ in range(5)]
for it, batch in enumerate(data):
    m.feed_data(batch)
    m.optimize_parameters(it)
print(m.log_dict)
