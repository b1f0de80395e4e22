"""Sequence to sequence: two optimizers on one loss, both stepped after one backward."""
import torch
import torch.nn as nn
from torch import optim

torch.manual_seed(0)
encoder = nn.Sequential(nn.Embedding(8, 6), nn.Linear(6, 6))
decoder = nn.Linear(6, 8)
criterion = nn.CrossEntropyLoss()
pairs = [(torch.randint(0, 8, (5,)), torch.randint(0, 8, (5,))) for _ in range(6)]


def train_epoch(dataloader, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion):
    total_loss = 0
    for input_tensor, target_tensor in dataloader:
        encoder_optimizer.zero_grad()
        decoder_optimizer.zero_grad()

        encoder_outputs = encoder(input_tensor)
        decoder_outputs = decoder(encoder_outputs)

        loss = criterion(decoder_outputs, target_tensor)
        loss.backward()

        encoder_optimizer.step()
        decoder_optimizer.step()

        total_loss += loss.item()
    return total_loss / len(dataloader)


def train(train_dataloader, encoder, decoder, n_epochs, learning_rate=0.01):
    encoder_optimizer = optim.Adam(encoder.parameters(), lr=learning_rate)
    decoder_optimizer = optim.Adam(decoder.parameters(), lr=learning_rate)
    for epoch in range(1, n_epochs + 1):
        loss = train_epoch(train_dataloader, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion)
        print("epoch", epoch, loss)


train(pairs, encoder, decoder, 5)
