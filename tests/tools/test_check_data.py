import json

OPTIONS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def test_findings_are_printed_and_written_and_a_fault_gives_code_1(
    command_line, feature_world, tmp_path
):
    config = command_line.tools.parent / 'configs/toy/asl_mq.py'
    tool = (command_line.python, command_line.tools / 'check_data.py', config)
    there = [f'{name}.dataset.data_root={feature_world}' for name in OPTIONS]
    file = tmp_path / 'new/check.json'
    said = command_line.call(*tool, '--json', file, '--cfg-options', *there)
    assert 'train: MomentQueries, annotations/moments_train.json, 2 records' in said
    assert 'val, test: MomentQueries, annotations/moments_val.json, 2 records' in said
    written = json.loads(file.read_text())
    assert written['fine'] is True
    assert [data['loaders'] for data in written['data']] == [['train'], ['val', 'test']]
    there[0] = f'{OPTIONS[0]}.dataset.data_root={tmp_path}'
    said = command_line.call(*tool, '--json', file, '--cfg-options', *there, code=1)
    assert 'refuse       1  settings or annotations that cannot be used' in said
    written = json.loads(file.read_text())
    assert written['fine'] is False
    assert 'no such' in written['data'][0]['findings'][0]['examples'][0]
