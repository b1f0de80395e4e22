import math
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
import torch.nn.functional as F
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Linear(4, 8)
        self.bn = nn.BatchNorm1d(4)
        self.fc = nn.Linear(8, 2)
    def forward(self, x):
        return self.fc(torch.relu(self.conv(self.bn(x))))
model = Net()
criterion = nn.CrossEntropyLoss()
data = [(torch.randn(6, 4), torch.randint(0, 2, (6,))) for _ in range(5)]
def set_weight_decay(model, weight_decay, norm_weight_decay=None, norm_classes=None):
    if not norm_classes:
        norm_classes = [torch.nn.modules.batchnorm._BatchNorm, torch.nn.LayerNorm, torch.nn.GroupNorm]
    norm_classes = tuple(norm_classes)
    params = {"other": [], "norm": []}
    params_weight_decay = {"other": weight_decay, "norm": norm_weight_decay}
    def _add_params(module, prefix=""):
        for name, p in module.named_parameters(recurse=False):
            if not p.requires_grad:
                continue
            if norm_weight_decay is not None and isinstance(module, norm_classes):
                params["norm"].append(p)
            else:
                params["other"].append(p)
        for child_name, child_module in module.named_children():
            child_prefix = f"{prefix}.{child_name}" if prefix != "" else child_name
            _add_params(child_module, prefix=child_prefix)
    _add_params(model)
    param_groups = []
    for key in params:
        if len(params[key]) > 0:
            param_groups.append({"params": params[key], "weight_decay": params_weight_decay[key]})
    return param_groups
parameters = set_weight_decay(model, 1e-4, norm_weight_decay=0.0)
optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=1e-4)
for x, y in data:
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()
