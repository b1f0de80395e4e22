"""What layers and losses refuse, sentence by sentence."""

import numpy as np
import pytest
import torch

from calando.mindspore import nn
from calando.mindspore.network.initializer import fill
from calando.mindspore.network.tensor import Tensor


@pytest.mark.parametrize(
    ("slip", "error", "sentence"),
    [
        (
            lambda: nn.Dense(Tensor([[1.0]])),
            TypeError,
            r"Tensor of shape \(1, 1\) as in_channels.*self.fc\(x\)\?",
        ),
        (
            lambda: nn.Conv2d(Tensor([1.0])),
            TypeError,
            r"Conv2d was constructed with a Tensor.*self.layer\(x\)\?",
        ),
        (
            lambda: nn.BatchNorm2d(Tensor([1.0])),
            TypeError,
            "BatchNorm2d was constructed with a Tensor .* num_features",
        ),
        (
            lambda: nn.MaxPool2d(Tensor([1.0])),
            TypeError,
            "MaxPool2d was constructed with a Tensor .* as kernel_size",
        ),
        (lambda: nn.Dense(3), TypeError, "Dense needs out_channels, a whole number"),
        (lambda: nn.Conv2d(3, 4), TypeError, "Conv2d needs kernel_size, a whole number"),
        (lambda: nn.Dense(3, 0), ValueError, "out_channels of Dense must be at least 1, not 0"),
        (lambda: nn.Dense(3, 2.0), TypeError, "out_channels of Dense must be a whole number, not 2.0"),
        (
            lambda: nn.Dense(3, 2, activation=5),
            TypeError,
            "activation of Dense must be a name, a Cell or a function",
        ),
        (
            lambda: nn.Dense(3, 2, activation="rleu"),
            KeyError,
            "no activation is called 'rleu'; known are gelu, leakyrelu, logsoftmax, relu",
        ),
        (lambda: nn.Dense(3, 2, weight_init="noraml"), ValueError, "no initial values are called 'noraml'"),
        (
            lambda: nn.Dense(3, 2, weight_init=Tensor([1.0])),
            ValueError,
            r"shape \(1,\) and the parameter \(2, 3\)",
        ),
        (lambda: fill(torch.ones(1), [1.0]), TypeError, r"a name, number, tensor or function, not \[1.0\]"),
        (lambda: nn.Conv2d(3, 4, 3, group=2), ValueError, "2 does not divide 3 and 4"),
        (
            lambda: nn.Conv2d(3, 4, 3, pad_mode="reflect"),
            ValueError,
            "pad_mode of Conv2d must be one of same, valid, pad",
        ),
        (
            lambda: nn.Conv2d(3, 4, 3, padding=1),
            ValueError,
            "padding of Conv2d needs pad_mode='pad', not 'same'",
        ),
        (
            lambda: nn.Conv2d(3, 4, 3, pad_mode="pad", padding=(1, 1)),
            ValueError,
            r"\(top, bottom, left, right\)",
        ),
        (
            lambda: nn.Conv2d(3, 4, (3, 3, 3)),
            ValueError,
            r"must be one number or \(height, width\), not \(3, 3, 3\)",
        ),
        (lambda: nn.Conv2d(3, 4, 3, data_format="NHWC"), ValueError, "Conv2d knows data_format 'NCHW' only"),
        (
            lambda: nn.MaxPool2d(2, padding=1),
            ValueError,
            "padding of MaxPool2d needs pad_mode='pad', not 'valid'",
        ),
        (lambda: nn.MaxPool2d(2, ceil_mode=True), ValueError, "ceil_mode of MaxPool2d needs pad_mode='pad'"),
        (lambda: nn.BatchNorm2d(0), ValueError, "num_features of BatchNorm2d must be at least 1, not 0"),
        (lambda: nn.BatchNorm2d(1, eps=0), ValueError, "eps of BatchNorm2d must be above 0, not 0"),
        (
            lambda: nn.BatchNorm2d(1, momentum=1.5),
            ValueError,
            r"momentum of BatchNorm2d must lie in \[0, 1\], not 1.5",
        ),
        (
            lambda: nn.BatchNorm2d(1)(Tensor([[1.0]])),
            ValueError,
            r"BatchNorm2d takes \(batch, 1, height, width\), not \(1, 1\)",
        ),
        (
            lambda: nn.BatchNorm2d(1).set_train()(Tensor([[[[1.0]]]])),
            ValueError,
            "more than 1 value per channel",
        ),
        (lambda: nn.Dropout(p=1.0), ValueError, r"a share in \[0, 1\), not 1.0"),
        (
            lambda: nn.CrossEntropyLoss(reduction="avg"),
            ValueError,
            "reduction of CrossEntropyLoss must be one of mean",
        ),
        (
            lambda: nn.CrossEntropyLoss(label_smoothing=2),
            ValueError,
            r"label_smoothing .* in \[0, 1\], not 2",
        ),
        (lambda: nn.MSELoss()(Tensor([1.0]), Tensor(1.0)), ValueError, r"of one shape, not \(1,\) and \(\)"),
        (lambda: nn.Embedding(0, 2), ValueError, "vocab_size of Embedding must be at least 1, not 0"),
        (
            lambda: nn.Embedding(3, 2, padding_idx=3),
            ValueError,
            r"padding_idx of Embedding must lie in \[0, 3\), not 3",
        ),
        (lambda: nn.Embedding(3, 2)(Tensor([0.5])), TypeError, "Embedding takes integers, not torch.float32"),
        (lambda: nn.LayerNorm(3), TypeError, "normalized_shape of LayerNorm must be a tuple or list, not 3"),
        (lambda: nn.LayerNorm([3], epsilon=0), ValueError, "epsilon of LayerNorm must be above 0, not 0"),
        (
            lambda: nn.LayerNorm([3, 4])(Tensor(np.ones((2, 3, 4), "f4"))),
            ValueError,
            "begin_norm_axis of LayerNorm must be 1, the first of the last axes, not -1",
        ),
        (
            lambda: nn.BatchNorm1d(3)(Tensor(np.ones((2, 3, 4, 5), "f4"))),
            ValueError,
            r"BatchNorm1d takes \(batch, 3\) or \(batch, 3, length\), not \(2, 3, 4, 5\)",
        ),
        (
            lambda: nn.L1Loss()(Tensor([1.0]), Tensor([1.0, 2.0])),
            ValueError,
            r"L1Loss compares two Tensors of one shape, not \(1,\) and \(2,\)",
        ),
        (
            lambda: nn.SoftmaxCrossEntropyWithLogits()(Tensor([[1.0]]), Tensor([0])),
            ValueError,
            r"\(sparse=False\) takes logits \(batch, classes\) and labels \(batch, classes\), not \(1, 1\) and \(1,\)",
        ),
    ],
)
def test_sentences(slip, error, sentence):
    with pytest.raises(error, match=sentence):
        slip()
