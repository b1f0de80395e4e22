"""WGAN-GP: torch.autograd.grad inside the critic's loss."""
import torch
from torch import autograd, nn

torch.manual_seed(0)
critic = nn.Sequential(nn.Linear(2, 8), nn.Softplus(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))


def compute_gradient_penalty(D, real, fake):
    alpha = torch.rand(real.size(0), 1)
    inter = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    out = D(inter)
    grads = autograd.grad(outputs=out, inputs=inter, grad_outputs=torch.ones_like(out), create_graph=True)[0]
    return ((grads.norm(2, dim=1) - 1) ** 2).mean()


for step in range(6):
    real, fake = torch.randn(8, 2) + 1, torch.randn(8, 2)
    optimizer.zero_grad()
    gradient_penalty = compute_gradient_penalty(critic, real, fake)
    d_loss = -critic(real).mean() + critic(fake).mean() + 10 * gradient_penalty
    d_loss.backward()
    optimizer.step()
