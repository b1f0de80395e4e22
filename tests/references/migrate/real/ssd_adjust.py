"""SSD: a counter of drops, adjust_learning_rate(optimizer, gamma, step) called at given iterations, an iterator restarted by hand."""
import torch
import torch.nn as nn
import torch.optim as optim

cfg = {"lr_steps": (8, 12), "max_iter": 16}
lr, gamma = 0.05, 0.1
torch.manual_seed(0)
net = nn.Linear(4, 2)
data_loader = torch.utils.data.DataLoader([(torch.randn(4), torch.randn(2)) for _ in range(20)], batch_size=4)
criterion = nn.MSELoss()
optimizer = optim.SGD(net.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4)


def adjust_learning_rate(optimizer, gamma, step):
    """Sets the learning rate to the initial LR decayed by 10 at every specified step"""
    new_lr = lr * (gamma ** (step))
    for param_group in optimizer.param_groups:
        param_group["lr"] = new_lr


def train():
    net.train()
    step_index = 0
    batch_iterator = iter(data_loader)
    for iteration in range(cfg["max_iter"]):
        if iteration in cfg["lr_steps"]:
            step_index += 1
            adjust_learning_rate(optimizer, gamma, step_index)

        # load train data
        try:
            images, targets = next(batch_iterator)
        except StopIteration:
            batch_iterator = iter(data_loader)
            images, targets = next(batch_iterator)
        # forward
        out = net(images)
        # backprop
        optimizer.zero_grad()
        loss = criterion(out, targets)
        loss.backward()
        optimizer.step()
        if iteration % 4 == 0:
            print("iter " + repr(iteration) + " || Loss: %.4f ||" % (loss.item()), end=" ")


if __name__ == "__main__":
    train()
