import copy, math
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(2)


class BYOLTrainer:
    def __init__(self, online, predictor, target, lr=0.05, max_epochs=3, m=0.996):
        self.online_network, self.predictor, self.target_network = online, predictor, target
        self.optimizer = torch.optim.SGD(
            list(self.online_network.parameters()) + list(self.predictor.parameters()),
            lr=lr, momentum=0.9, weight_decay=4e-4)
        self.max_epochs, self.m, self.base_m = max_epochs, m, m

    @torch.no_grad()
    def _update_target_network_parameters(self):
        for param_q, param_k in zip(self.online_network.parameters(), self.target_network.parameters()):
            param_k.data = param_k.data * self.m + param_q.data * (1. - self.m)

    @staticmethod
    def regression_loss(x, y):
        x = F.normalize(x, dim=1)
        y = F.normalize(y, dim=1)
        return 2 - 2 * (x * y).sum(dim=-1)

    def update(self, batch_view_1, batch_view_2):
        predictions_from_view_1 = self.predictor(self.online_network(batch_view_1))
        predictions_from_view_2 = self.predictor(self.online_network(batch_view_2))
        with torch.no_grad():
            targets_to_view_2 = self.target_network(batch_view_1)
            targets_to_view_1 = self.target_network(batch_view_2)
        loss = self.regression_loss(predictions_from_view_1, targets_to_view_1)
        loss += self.regression_loss(predictions_from_view_2, targets_to_view_2)
        return loss.mean()

    def train(self, loader):
        niter = 0
        for epoch_counter in range(self.max_epochs):
            for (batch_view_1, batch_view_2), _ in loader:
                loss = self.update(batch_view_1, batch_view_2)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self._update_target_network_parameters()
                self.m = 1 - (1 - self.base_m) * (math.cos(math.pi * niter / 12) + 1) / 2
                niter += 1


net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 6))
head = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))
x = torch.randn(4, 16, 4)
BYOLTrainer(net, head, copy.deepcopy(net)).train([((b, b + 0.1), 0) for b in x])
