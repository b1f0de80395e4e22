"""A network that was converted computes the same in the other framework, live."""

import numpy as np
import pytest
import torch

from calando.codecs.convert import convert


def torch_network():
    torch.manual_seed(2)
    made = torch.nn.ModuleDict(
        {
            "conv": torch.nn.Conv2d(2, 3, 3), "bn": torch.nn.BatchNorm2d(3), "fc": torch.nn.Linear(12, 5),
            "norm": torch.nn.LayerNorm(5), "token_embedding": torch.nn.Embedding(7, 5),
            "line": torch.nn.Conv1d(4, 5, 2),
        }
    )  # fmt: skip
    made["bn"](torch.randn(16, 3, 2, 2) * 3 + 1)  # statistics that are not 0 and 1
    torch.nn.init.normal_(made["norm"].weight)
    return made.eval()


def in_torch(net, image, words, line):
    x = net["bn"](net["conv"](torch.from_numpy(image))).flatten(1)
    x = net["norm"](net["fc"](x)) + net["token_embedding"](torch.from_numpy(words))
    return (x + net["line"](torch.from_numpy(line))[:, :, 0]).detach().numpy()


def mindspore_network(mindspore):
    nn = mindspore.nn

    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 3, pad_mode="valid", has_bias=True)
            self.bn = nn.BatchNorm2d(3)
            self.fc = nn.Dense(12, 5)
            self.norm = nn.LayerNorm((5,), epsilon=1e-5)
            self.token_embedding = nn.Embedding(7, 5)
            self.line = nn.Conv1d(4, 5, 2, pad_mode="valid", has_bias=True)

        def construct(self, image, words, line):
            x = self.bn(self.conv(image)).reshape(image.shape[0], -1)
            x = self.norm(self.fc(x)) + self.token_embedding(words)
            return x + self.line(line)[:, :, 0]

    return Net().set_train(False)


@pytest.mark.filterwarnings("ignore")
def test_there_and_back(mindspore, tmp_path):
    rng = np.random.default_rng(0)
    image, line = rng.standard_normal((6, 2, 4, 4)).astype("f4"), rng.standard_normal((6, 4, 3)).astype("f4")
    words = rng.integers(0, 7, 6).astype(np.int32)
    net = torch_network()
    torch.save(net.state_dict(), tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "a.ckpt", strict=True)
    theirs = mindspore_network(mindspore)
    assert mindspore.load_checkpoint(str(tmp_path / "a.ckpt"), theirs)
    there = theirs(*map(mindspore.Tensor, (image, words, line))).asnumpy()
    here = in_torch(net, image, words, line)
    assert np.abs(there - here).max() < 1e-5 * np.abs(here).max()

    mindspore.save_checkpoint(theirs, str(tmp_path / "b.ckpt"))
    told = convert(tmp_path / "b.ckpt", tmp_path / "b.pt", like=tmp_path / "a.pt")
    assert told.lost == []
    back = torch_network()
    for p in back.parameters():
        torch.nn.init.zeros_(p)
    back.load_state_dict(torch.load(tmp_path / "b.pt", weights_only=True))
    assert np.array_equal(in_torch(back, image, words, line), here)
