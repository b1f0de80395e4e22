import lightning as L
import torch


def main():
    fabric = L.Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer = fabric.setup(model, optimizer)
    dataloader = fabric.setup_dataloaders(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(20, 4), torch.randn(20, 1)), batch_size=5))
    model.train()
    for epoch in range(3):
        for batch in dataloader:
            input, target = batch
            optimizer.zero_grad()
            output = model(input)
            loss = torch.nn.functional.mse_loss(output, target)
            fabric.backward(loss)
            fabric.clip_gradients(model, optimizer, max_norm=1.0)
            optimizer.step()


if __name__ == "__main__":
    main()
