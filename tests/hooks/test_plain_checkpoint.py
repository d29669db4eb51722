"""What is written is plain, what is read back is what MMEngine wants."""

import enum
import logging
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer, MessageHub, MMLogger

from egomm.hooks import PlainCheckpointHook
from egomm.hooks.plain_checkpoint import to_plain


class Mode(str, enum.Enum):  # noqa: UP042 - as others write it
    FAST = 'fast'


def full_checkpoint():
    hub = MessageHub('written by egomm')
    for value in (3.0, 1.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('best', np.float64(0.5))
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=np.float64(0.1))
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return dict(
        meta=dict(
            epoch=np.int64(1),
            work_dir=Path('a/b'),
            dataset_meta=ConfigDict(classes=('open', 'close'), weights=np.arange(2)),
        ),
        message_hub=hub.state_dict(),
        state_dict=model.state_dict(),
        optimizer=optimizer.state_dict(),
        param_schedulers=[dict(last=np.float32(1))],
    )


def test_file_needs_no_allowlist_at_all(tmp_path):
    checkpoint = full_checkpoint()
    torch.save(checkpoint, tmp_path / 'before.pth')
    assert torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / 'before.pth') != []
    PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
    torch.save(checkpoint, tmp_path / 'after.pth')
    assert torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / 'after.pth') == []


def test_buffers_return_as_they_were(tmp_path):
    checkpoint = full_checkpoint()
    hook = PlainCheckpointHook()
    hook.before_save_checkpoint(None, checkpoint)
    torch.save(checkpoint, tmp_path / 'x.pth')
    loaded = torch.load(tmp_path / 'x.pth', weights_only=True)
    hook.after_load_checkpoint(SimpleNamespace(_resume=False), loaded)
    hub = MessageHub('resumed')
    hub.load_state_dict(loaded['message_hub'])
    hub.update_scalar('train/loss', 5.0)
    np.testing.assert_array_equal(hub.get_scalar('train/loss').data[0], [3, 1, 5])
    assert hub.get_scalar('train/loss').mean() == 3
    assert hub.get_info('best') == 0.5


def test_equal_metainfo_is_the_datasets_own_when_resuming():
    metainfo = dict(classes=('open', 'close'), weights=np.arange(2))
    runner = SimpleNamespace(
        _resume=True, train_dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))
    )
    same = dict(meta=dict(dataset_meta=dict(classes=('open', 'close'), weights=[0, 1])))
    other = dict(meta=dict(dataset_meta=dict(classes=('open', 'close'), weights=[0, 2])))
    for checkpoint in (same, other):
        PlainCheckpointHook().after_load_checkpoint(runner, checkpoint)
    assert same['meta']['dataset_meta'] is metainfo
    assert other['meta']['dataset_meta'] is not metainfo


def test_weights_are_left_alone():
    weights = OrderedDict(x=torch.ones(2))
    checkpoint = dict(state_dict=weights)
    PlainCheckpointHook().before_save_checkpoint(None, checkpoint)
    assert checkpoint['state_dict'] is weights


@pytest.mark.parametrize(
    'value, plain',
    [
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_('a'), 'a'),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.array(['a', None], dtype=object), ['a', None]),
        ((1, np.int64(2)), (1, 2)),
        ({3}, [3]),
        (Path('a'), 'a'),
        (Mode.FAST, 'fast'),
        ({np.int64(1): Path('b')}, {1: 'b'}),
    ],
)
def test_plain_form(value, plain):
    result = to_plain(value)
    assert result == plain
    assert type(result) is type(plain)
    if isinstance(plain, dict):
        assert [type(key) for key in result] == [int]


def test_history_is_kept_in_double_precision():
    plain = to_plain(HistoryBuffer([0.1], [1], max_length=9))
    assert plain['log_history'].dtype == torch.float64
    assert plain['log_history'].item() == 0.1
    assert plain['max_length'] == 9


def test_what_has_no_plain_form_is_left_out_and_named():
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()  # it does not propagate, so caplog is deaf
    logger.addHandler(handler)
    try:
        assert to_plain(dict(a=[1, object()], b=2), 'meta') == dict(a=[1], b=2)
    finally:
        logger.removeHandler(handler)
    assert messages == [
        'meta.a[1] is a builtins.object, which a checkpoint of plain types cannot '
        'hold; it is left out.'
    ]
