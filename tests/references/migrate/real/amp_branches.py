"""A scaler that may be None: one loss, differentiated and clipped in both branches, as in torchvision's references."""
import torch
from torch import nn

EPOCHS, CLIP, GATHERED = 3, 0.5, 2
torch.manual_seed(0)
data = [(torch.randn(5, 4), torch.randint(0, 3, (5,))) for _ in range(6)]
criterion = nn.CrossEntropyLoss()


def train_one_epoch(model, optimizer, loader, epoch, scaler=None):
    model.train()
    for image, target in loader:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
            output = model(image)
            loss = criterion(output, target)

        loss_value = loss.item()
        if not loss_value < 50.0:
            raise RuntimeError(f"Loss is {loss_value}, stopping training")

        optimizer.zero_grad()
        if scaler is not None:
            scaler.scale(loss).backward()
            if CLIP is not None:
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            scaler.step(optimizer)
            scaler.update()
        else:
            loss.backward()
            if CLIP is not None:
                nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
        print(epoch, loss_value, output.shape, optimizer.param_groups[0]["lr"])


def train_gathered(model, optimizer, loader, scaler=None):
    optimizer.zero_grad()
    for i, (image, target) in enumerate(loader):
        loss = criterion(model(image), target) / GATHERED
        if not scaler:
            loss.backward()
        else:
            scaler.scale(loss).backward()
        if (i + 1) % GATHERED == 0:
            if scaler:
                scaler.step(optimizer)
                scaler.update()
            else:
                optimizer.step()
            optimizer.zero_grad()


def train_apart(model, optimizer, loader, amp, scaler):
    for image, target in loader:
        optimizer.zero_grad()
        if amp:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
                loss = criterion(model(image), target)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
        else:
            loss = criterion(model(image), target)
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        if amp:
            scaler.step(optimizer)
            scaler.update()
        else:
            optimizer.step()
        print(loss.item())


for amp in (True, False):
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0) if amp else None
    for epoch in range(EPOCHS):
        train_one_epoch(model, optimizer, data, epoch, scaler)
        lr_scheduler.step()

    gathered = nn.Linear(4, 3)
    slow = torch.optim.AdamW(gathered.parameters(), lr=0.05)
    train_gathered(gathered, slow, data, scaler)

    apart = nn.Linear(4, 3)
    third = torch.optim.SGD(apart.parameters(), lr=0.1)
    train_apart(apart, third, data, amp, scaler)
    if scaler is not None:
        stored = scaler.state_dict()
        scaler.load_state_dict(stored)
        print(stored["scale"], stored["_growth_tracker"])

scaler = None  # the branches for a scaler stay, though there is none
model = nn.Linear(4, 3)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
for image, target in data:
    loss = criterion(model(image), target)
    optimizer.zero_grad()
    if scaler is not None:
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    elif len(data) > 100:
        loss.backward(retain_graph=True)
        optimizer.step()
    else:
        loss.backward()
        optimizer.step()
