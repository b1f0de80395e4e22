"""The time-sequence example: LBFGS with a closure."""
import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(0)
data = torch.sin(torch.arange(40, dtype=torch.float64) / 4).view(-1, 4)
input, target = data[:, :-1], data[:, 1:]
seq = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 3)).double()
criterion = nn.MSELoss()
# use LBFGS as optimizer since we can load the whole data to train
optimizer = optim.LBFGS(seq.parameters(), lr=0.8)
# begin to train
for i in range(3):
    print("STEP: ", i)

    def closure():
        optimizer.zero_grad()
        out = seq(input)
        loss = criterion(out, target)
        print("loss:", loss.item())
        loss.backward()
        return loss
    optimizer.step(closure)
