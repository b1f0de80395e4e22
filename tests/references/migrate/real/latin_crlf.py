# -*- coding: latin-1 -*-
# Entraînement d'un modèle
import torch
from torch import nn

torch.manual_seed(0)
modèle = nn.Linear(2, 1)
optimiseur = torch.optim.Adam(modèle.parameters(), lr=1e-2)
planificateur = torch.optim.lr_scheduler.ExponentialLR(optimiseur, gamma=0.8)
for époque in range(3):
	for pas in range(4):
		optimiseur.zero_grad()
		perte = modèle(torch.randn(3, 2)).pow(2).mean()  # perte quadratique à minimiser
		perte.backward()
		optimiseur.step()
	planificateur.step()
	print("époque", époque, perte.item())
