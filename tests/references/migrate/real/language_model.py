"""The word language model: no optimizer at all, the update by hand, the rate divided when validation does not improve."""
import torch
import torch.nn as nn

torch.manual_seed(0)
lr, clip, epochs = 2.0, 0.25, 4
model = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
criterion = nn.CrossEntropyLoss()
train_data = torch.randint(0, 9, (40,))


def train():
    model.train()
    total_loss = 0.
    for i in range(0, 32, 8):
        data, targets = train_data[i:i + 8], train_data[i + 1:i + 9]
        model.zero_grad()
        output = model(data)
        loss = criterion(output, targets)
        loss.backward()

        # `clip_grad_norm` helps prevent the exploding gradient problem in RNNs / LSTMs.
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-lr)
        total_loss += loss.item()
    return total_loss


best_val_loss = None
for epoch in range(1, epochs + 1):
    val_loss = train()
    if not best_val_loss or val_loss < best_val_loss:
        best_val_loss = val_loss
    else:
        # Anneal the learning rate if no improvement has been seen in the validation dataset.
        lr /= 4.0
    print(epoch, val_loss, lr)
