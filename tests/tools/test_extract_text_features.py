def test_help_comes_at_once_and_a_folder_without_model_is_one_line(
    command_line, feature_world, tmp_path
):
    tool = (command_line.python, command_line.tools / 'extract_text_features.py')
    nlq = feature_world / 'annotations/nlq_val.json'
    said = command_line.call(*tool, nlq, '--model', tmp_path, '--out', tmp_path / 'out', code=2)
    assert said.startswith('error: ')
    assert 'model.safetensors: no such file' in said
    assert said.count('\n') == 1
