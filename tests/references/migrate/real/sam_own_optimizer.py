"""An optimizer of the script's own (SAM) around torch's SGD, two passes per step."""
import torch
from torch import nn


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base_optimizer, rho=0.05, **kwargs):
        defaults = dict(rho=rho, **kwargs)
        super(SAM, self).__init__(params, defaults)
        self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
        self.param_groups = self.base_optimizer.param_groups

    @torch.no_grad()
    def first_step(self, zero_grad=False):
        for group in self.param_groups:
            for p in group["params"]:
                e_w = p.grad * group.get("rho", 0.05)
                p.add_(e_w)
                self.state[p]["e_w"] = e_w
        if zero_grad:
            self.zero_grad()

    @torch.no_grad()
    def second_step(self, zero_grad=False):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(self.state[p]["e_w"])
        self.base_optimizer.step()
        if zero_grad:
            self.zero_grad()


torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = SAM(model.parameters(), torch.optim.SGD, lr=0.1, momentum=0.9)
for i in range(5):
    x, y = torch.randn(6, 3), torch.randn(6, 1)
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimizer.first_step(zero_grad=True)
    ((model(x) - y) ** 2).mean().backward()
    optimizer.second_step(zero_grad=True)
