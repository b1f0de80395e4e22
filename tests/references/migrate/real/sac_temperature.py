import copy
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class SoftQ(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(5, 16)
        self.fc2 = nn.Linear(16, 1)

    def forward(self, x, a):
        return self.fc2(F.relu(self.fc1(torch.cat([x, a], 1))))


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 16)
        self.mean = nn.Linear(16, 1)
        self.logstd = nn.Linear(16, 1)

    def get_action(self, x):
        h = F.relu(self.fc(x))
        mean, log_std = self.mean(h), torch.tanh(self.logstd(h))
        noise = torch.full_like(mean, 0.3)
        a = torch.tanh(mean + log_std.exp() * noise)
        return a, -log_std.sum(1, keepdim=True), mean


torch.manual_seed(1)
actor = Actor()
qf1, qf2 = SoftQ(), SoftQ()
qf1_target, qf2_target = SoftQ(), SoftQ()
qf1_target.load_state_dict(qf1.state_dict())
qf2_target.load_state_dict(qf2.state_dict())
q_optimizer = optim.Adam(list(qf1.parameters()) + list(qf2.parameters()), lr=1e-3)
actor_optimizer = optim.Adam(list(actor.parameters()), lr=3e-4)
target_entropy = -1.0
log_alpha = torch.zeros(1, requires_grad=True)
alpha = log_alpha.exp().item()
a_optimizer = optim.Adam([log_alpha], lr=1e-3)
policy_frequency, tau, gamma = 2, 0.005, 0.99

for global_step in range(10):
    s, s2 = torch.randn(8, 4), torch.randn(8, 4)
    act, r, d = torch.rand(8, 1), torch.randn(8), torch.zeros(8)
    with torch.no_grad():
        na, nlp, _ = actor.get_action(s2)
        q1n, q2n = qf1_target(s2, na), qf2_target(s2, na)
        minq = torch.min(q1n, q2n) - alpha * nlp
        next_q = r + (1 - d) * gamma * minq.view(-1)
    q1 = qf1(s, act).view(-1)
    q2 = qf2(s, act).view(-1)
    qf1_loss = F.mse_loss(q1, next_q)
    qf2_loss = F.mse_loss(q2, next_q)
    qf_loss = qf1_loss + qf2_loss

    q_optimizer.zero_grad()
    qf_loss.backward()
    q_optimizer.step()

    if global_step % policy_frequency == 0:
        for _ in range(policy_frequency):
            pi, log_pi, _ = actor.get_action(s)
            min_qf_pi = torch.min(qf1(s, pi), qf2(s, pi))
            actor_loss = ((alpha * log_pi) - min_qf_pi).mean()

            actor_optimizer.zero_grad()
            actor_loss.backward()
            actor_optimizer.step()

            with torch.no_grad():
                _, log_pi, _ = actor.get_action(s)
            alpha_loss = (-log_alpha.exp() * (log_pi + target_entropy)).mean()

            a_optimizer.zero_grad()
            alpha_loss.backward()
            a_optimizer.step()
            alpha = log_alpha.exp().item()

    for param, target_param in zip(qf1.parameters(), qf1_target.parameters()):
        target_param.data.copy_(tau * param.data + (1 - tau) * target_param.data)
