import torch.optim as O
import torch.optim.lr_scheduler as S
import torch as T
import torch.nn as N

OPTIMS = {"sgd": O.SGD, "adamw": O.AdamW}
Scheduler = S.MultiStepLR


def go(name="adamw"):
    T.manual_seed(0)
    m = N.Linear(3, 1)
    o = OPTIMS[name](m.parameters(), lr=0.01)
    s = Scheduler(o, milestones=[1, 2])
    for e in range(3):
        for _ in range(2):
            o.zero_grad()
            l = m(T.randn(3, 3)).pow(2).sum()
            l.backward()
            o.step()
        s.step()
    return l.item(), o.param_groups[0]["lr"]


print(go())
