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
class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln = nn.LayerNorm(8)
        self.stem = nn.Linear(4, 8)
        self.head = nn.Linear(8, 2)
        self.emb = nn.Embedding(3, 8)
    def forward(self, x):
        return self.head(self.ln(torch.tanh(self.stem(x))) * self.emb.weight.sum(0))
    def configure_optimizers(self, train_config):
        decay = set()
        no_decay = set()
        whitelist_weight_modules = (torch.nn.Linear, )
        blacklist_weight_modules = (torch.nn.LayerNorm, torch.nn.Embedding, nn.BatchNorm1d)
        for mn, m in self.named_modules():
            for pn, p in m.named_parameters():
                fpn = '%s.%s' % (mn, pn) if mn else pn # full param name
                if pn.endswith('bias'):
                    no_decay.add(fpn)
                elif pn.endswith('weight') and isinstance(m, whitelist_weight_modules):
                    decay.add(fpn)
                elif pn.endswith('weight') and isinstance(m, blacklist_weight_modules):
                    no_decay.add(fpn)
        param_dict = {pn: p for pn, p in self.named_parameters()}
        inter_params = decay & no_decay
        union_params = decay | no_decay
        assert len(inter_params) == 0, "parameters %s made it into both decay/no_decay sets!" % (str(inter_params), )
        assert len(param_dict.keys() - union_params) == 0
        optim_groups = [
            {"params": [param_dict[pn] for pn in sorted(list(decay))], "weight_decay": train_config["weight_decay"]},
            {"params": [param_dict[pn] for pn in sorted(list(no_decay))], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(optim_groups, lr=train_config["learning_rate"], betas=train_config["betas"])
        return optimizer
model = GPT()
optimizer = model.configure_optimizers({"weight_decay": 0.1, "learning_rate": 1e-2, "betas": (0.9, 0.95)})
for x, y in data:
    logits = model(x)
    loss = criterion(logits, y)
    model.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
