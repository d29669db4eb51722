"""A run with ModalityBalanceHook from the command line."""


def test_a_balanced_run_with_two_micro_batches_a_step_logs_what_it_does(command_line, tmp_path):
    config = tmp_path / 'balanced.py'
    config.write_text(
        f"_base_ = ['{command_line.config}']\n"
        "channels = dict.fromkeys(('rgb', 'flow', 'audio'), 8)\n"
        "fused = dict(source='fused', in_channels=24)\n"
        'model = dict(\n'
        "    neck=dict(_delete_=True, type='ConcatFusion', in_channels=channels),\n"
        '    heads=dict(verb=fused, noun=fused))\n'
        "balance = dict(type='ModalityBalanceHook', task='noun', alpha=0.5, noise=True)\n"
        'default_hooks = dict(modality_balance=balance)\n'
        'optim_wrapper = dict(accumulative_counts=2)\n'
    )
    command_line.call(
        command_line.python,
        command_line.tools / 'train.py',
        config,
        '--work-dir',
        tmp_path,
        '--no-validate',
    )
    rows = command_line.loss_curve(tmp_path)
    assert len(rows) == 6
    names = [f'ogm/{name}_coefficient' for name in ('rgb', 'flow', 'audio')]
    assert not any(name in rows[0] for name in names)  # the first step comes after two iterations
    coefficients = [[row[name] for name in names] for row in rows[1:]]
    # Of three batches an epoch, the last makes a step of its own.
    first, second, same, third, _ = coefficients
    assert first != second == same != third
    assert all(0 < value <= 1 for row in coefficients for value in row)
    assert any(value < 1 for row in coefficients for value in row)
    assert all(0 <= rows[-1][f'ogm/{name}_score'] <= 1 for name in ('rgb', 'flow'))
