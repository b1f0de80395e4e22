import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
teacher, student = nn.Linear(4, 3), nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
teacher.eval()
opt = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
running, history, n_seen = 0.0, [], 0
for epoch in range(3):
    for k in range(4):
        x, y = torch.randn(5, 4), torch.randint(0, 3, (5,))
        with torch.no_grad():
            t = teacher(x)
        s = student(x)
        ce = F.cross_entropy(s, y)
        kd = F.kl_div(F.log_softmax(s / 2, 1), F.softmax(t / 2, 1), reduction="batchmean")
        loss = ce
        loss += 0.5 * kd
        running = 0.9 * running + 0.1 * loss.item()
        history.append(ce.item())
        n_seen += len(x)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, running, sum(history) / len(history), n_seen)
