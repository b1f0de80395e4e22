import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = nn.Linear(4, 6)
        self.layer = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.classifier = nn.Linear(6, 2)

    def forward(self, x):
        x = self.embeddings(x)
        for l in self.layer:
            x = torch.tanh(l(x))
        return self.classifier(x)


def get_grouped_params(model, lr, layerwise_decay, weight_decay):
    no_decay = ["bias"]
    groups = [{"params": [p for n, p in model.named_parameters() if "classifier" in n], "weight_decay": 0.0, "lr": lr}]
    layers = [model.embeddings] + list(model.layer)
    layers.reverse()
    cur = lr
    for layer in layers:
        groups += [
            {"params": [p for n, p in layer.named_parameters() if not any(nd in n for nd in no_decay)],
             "weight_decay": weight_decay, "lr": cur},
            {"params": [p for n, p in layer.named_parameters() if any(nd in n for nd in no_decay)],
             "weight_decay": 0.0, "lr": cur},
        ]
        cur *= layerwise_decay
    return groups


torch.manual_seed(0)
model = Encoder()
optimizer = torch.optim.AdamW(get_grouped_params(model, 1e-3, 0.9, 0.01), lr=1e-3, eps=1e-6)
total = 12
scheduler = LambdaLR(optimizer, lambda s: (s + 1) / 3 if s < 3 else max(0.0, (total - s) / (total - 3)))
for epoch in range(3):
    for k in range(4):
        logits = model(torch.randn(8, 4))
        loss = nn.functional.cross_entropy(logits, torch.randint(0, 2, (8,)))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)
        optimizer.step()
        scheduler.step()
        model.zero_grad()
