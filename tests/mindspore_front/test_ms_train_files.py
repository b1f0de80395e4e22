"""The files that a Model's callbacks write."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are built on it")

import calando.mindspore as ms  # noqa: E402
from calando.mindspore.train import (  # noqa: E402
    CheckpointConfig,
    LambdaCallback,
    ModelCheckpoint,
)
from mindspore_front.small_model import BATCHES, built  # noqa: E402


def test_checkpoints_hold_network_and_optimizer(tmp_path):
    """Three files are kept, and training goes on from the last as if it had not stopped."""
    whole, net, _ = built()
    whole.train(4, BATCHES)
    first, _, _ = built()
    config = CheckpointConfig(
        save_checkpoint_steps=2, keep_checkpoint_max=3, append_info=["epoch_num", {"note": "mine"}]
    )
    saver = ModelCheckpoint("run", tmp_path / "files", config)
    first.train(2, BATCHES, callbacks=saver)
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [
        "run-1_4.ckpt",
        "run-2_2.ckpt",
        "run-2_4.ckpt",
    ]
    assert saver.latest_ckpt_file_name == str(tmp_path / "files" / "run-2_4.ckpt")
    params = ms.load_checkpoint(saver.latest_ckpt_file_name)
    assert int(np.asarray(params.pop("epoch_num").asnumpy())) == 2 and params.pop("note") == "mine"
    second, other, optimizer = built()
    ms.load_param_into_net(other, params)
    ms.load_param_into_net(optimizer, params)
    second.train(4, BATCHES, initial_epoch=2)
    for p, q in zip(net.get_parameters(), other.get_parameters(), strict=True):
        np.testing.assert_array_equal(p.asnumpy(), q.asnumpy())


def test_names_that_are_taken(tmp_path):
    for expected in ("CKP-1_4.ckpt", "CKP_1-1_4.ckpt", "CKP_2-1_4.ckpt"):
        model, _, _ = built()
        saver = ModelCheckpoint(directory=tmp_path, config=CheckpointConfig(save_checkpoint_steps=100))
        model.train(1, BATCHES, callbacks=[saver])
        assert saver.latest_ckpt_file_name == str(tmp_path / expected)


def test_names_and_places_by_functions(tmp_path):
    model, _, _ = built()
    saver = ModelCheckpoint(
        lambda told: f"at{told.cur_step_num}",
        lambda told: tmp_path / str(told.cur_epoch_num),
        CheckpointConfig(save_checkpoint_steps=3, keep_checkpoint_max=9, format="safetensors"),
    )
    model.train(2, BATCHES, callbacks=[saver])
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.safetensors"))
    assert found == ["1/at3.safetensors", "2/at6.safetensors", "2/at8.safetensors"]


def test_a_file_when_training_raises(tmp_path):
    def fails(run_context):
        if run_context.original_args().cur_step_num == 6:
            raise OSError("gone")

    model, net, _ = built()
    config = CheckpointConfig(save_checkpoint_steps=100, exception_save=True)
    with pytest.raises(OSError, match="gone"):
        model.train(
            3, BATCHES, callbacks=[ModelCheckpoint("x", tmp_path, config), LambdaCallback(on_train_step_end=fails)]
        )
    assert [path.name for path in tmp_path.iterdir()] == ["x-2_2_breakpoint.ckpt"]
    params = ms.load_checkpoint(str(tmp_path / "x-2_2_breakpoint.ckpt"))
    np.testing.assert_array_equal(params["0.weight"].asnumpy(), net[0].weight.asnumpy())


def test_real_mindspore_reads_the_files(mindspore, tmp_path):
    model, net, _ = built()
    saver = ModelCheckpoint("x", tmp_path, CheckpointConfig(save_checkpoint_steps=100))
    model.train(1, BATCHES, callbacks=saver)
    real = mindspore.nn.SequentialCell(mindspore.nn.Dense(4, 8), mindspore.nn.Tanh(), mindspore.nn.Dense(8, 1))
    optimizer = mindspore.nn.Momentum(real.trainable_params(), 0.5, 0.5)
    params = mindspore.load_checkpoint(saver.latest_ckpt_file_name)
    assert mindspore.load_param_into_net(optimizer, params)[0] == []
    np.testing.assert_array_equal(real[0].weight.asnumpy(), net[0].weight.asnumpy())
    assert int(optimizer.global_step.asnumpy()[0]) == 4 and float(optimizer.learning_rate.asnumpy()) == np.float32(0.05)
