import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(4)
class ResNetSimCLR(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 4))
    def forward(self, x):
        return self.backbone(x)
def accuracy(output, target, topk=(1,)):
    with torch.no_grad():
        maxk = max(topk)
        batch_size = target.size(0)
        _, pred = output.topk(maxk, 1, True, True)
        pred = pred.t()
        correct = pred.eq(target.view(1, -1).expand_as(pred))
        return [correct[:k].reshape(-1).float().sum(0, keepdim=True).mul_(100.0 / batch_size) for k in topk]
class SimCLR(object):
    def __init__(self, *args, **kwargs):
        self.args = kwargs['args']
        self.model = kwargs['model'].to(self.args["device"])
        self.optimizer = kwargs['optimizer']
        self.scheduler = kwargs['scheduler']
        self.criterion = torch.nn.CrossEntropyLoss().to(self.args["device"])
    def info_nce_loss(self, features):
        labels = torch.cat([torch.arange(4) for i in range(2)], dim=0)
        labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
        features = F.normalize(features, dim=1)
        similarity_matrix = torch.matmul(features, features.T)
        mask = torch.eye(labels.shape[0], dtype=torch.bool)
        labels = labels[~mask].view(labels.shape[0], -1)
        similarity_matrix = similarity_matrix[~mask].view(similarity_matrix.shape[0], -1)
        positives = similarity_matrix[labels.bool()].view(labels.shape[0], -1)
        negatives = similarity_matrix[~labels.bool()].view(similarity_matrix.shape[0], -1)
        logits = torch.cat([positives, negatives], dim=1)
        labels = torch.zeros(logits.shape[0], dtype=torch.long)
        return logits / 0.07, labels
    def train(self, train_loader):
        scaler = torch.amp.GradScaler("cpu", enabled=self.args["fp16_precision"])
        n_iter = 0
        for epoch_counter in range(self.args["epochs"]):
            for images, _ in train_loader:
                images = torch.cat(images, dim=0)
                with torch.autocast("cpu", enabled=self.args["fp16_precision"]):
                    features = self.model(images)
                    logits, labels = self.info_nce_loss(features)
                    loss = self.criterion(logits, labels)
                self.optimizer.zero_grad()
                scaler.scale(loss).backward()
                scaler.step(self.optimizer)
                scaler.update()
                if n_iter % 2 == 0:
                    top1, top5 = accuracy(logits, labels, topk=(1, 5))
                    print('loss', loss.item(), top1[0].item(), self.scheduler.get_last_lr()[0])
                n_iter += 1
            if epoch_counter >= 1:
                self.scheduler.step()
args = {"device": "cpu", "fp16_precision": False, "epochs": 4}
train_loader = [([torch.randn(4, 5), torch.randn(4, 5)], 0) for _ in range(3)]
model = ResNetSimCLR()
optimizer = torch.optim.Adam(model.parameters(), 0.003, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=len(train_loader), eta_min=0, last_epoch=-1)
simclr = SimCLR(model=model, optimizer=optimizer, scheduler=scheduler, args=args)
simclr.train(train_loader)
