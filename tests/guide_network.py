"""The network of MindSpore's guide to optimizers, from any framework's Cell and layers."""


def guide(cell, nn, call):
    """An instance of it; ``call(self, x)`` is its last line, where the guide has a slip: ``nn.Dense(x)``."""

    class Network(cell):
        def __init__(self):
            super().__init__()
            self.layer1 = nn.SequentialCell(
                [
                    nn.Conv2d(3, 12, kernel_size=3, pad_mode="pad", padding=1),
                    nn.BatchNorm2d(12),
                    nn.ReLU(),
                    nn.MaxPool2d(kernel_size=2, stride=2),
                ]
            )
            self.layer2 = nn.SequentialCell(
                [
                    nn.Conv2d(12, 4, kernel_size=3, pad_mode="pad", padding=1),
                    nn.BatchNorm2d(4),
                    nn.ReLU(),
                    nn.MaxPool2d(kernel_size=2, stride=2),
                ]
            )
            self.pool = nn.AdaptiveMaxPool2d((5, 5))
            self.fc = nn.Dense(100, 10)

        def construct(self, x):
            x = self.layer1(x)
            x = self.layer2(x)
            x = self.pool(x)
            x = x.view((-1, 100))
            return call(self, x)

    return Network()
