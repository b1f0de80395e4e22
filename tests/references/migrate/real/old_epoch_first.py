"""PyTorch before 1.1: scheduler.step() at the top of the epoch, gradients clamped by hand."""
import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler

torch.manual_seed(0)
net = nn.Linear(4, 1)
loader = [(torch.randn(6, 4), torch.randn(6, 1)) for _ in range(5)]
criterion = nn.MSELoss()
optimizer_ft = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
exp_lr_scheduler = lr_scheduler.StepLR(optimizer_ft, step_size=2, gamma=0.1)


def train_model(model, criterion, optimizer, scheduler, num_epochs=25):
    for epoch in range(num_epochs):
        scheduler.step()
        model.train()
        running_loss = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            for param in model.parameters():
                param.grad.data.clamp_(-0.5, 0.5)
            optimizer.step()
            running_loss += loss.item() * inputs.size(0)
        print('{} Loss: {:.4f}'.format(epoch, running_loss))
    return model


train_model(net, criterion, optimizer_ft, exp_lr_scheduler, num_epochs=6)
