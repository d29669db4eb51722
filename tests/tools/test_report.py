"""tools/report.py as a user calls it: a page and numbers from files of an evaluation."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config

from egomm.datasets.moments import read_label_map
from egomm.testing.media import MovieWriter
from egomm.testing.moments import write_moment_annotations
from egomm.testing.timeline import TimelineSpec, plan_timelines

SPEC = TimelineSpec(
    **dict(train=2, val=2, test=1, minutes=(0.5, 1.0), lengths=(2.0, 10.0)),
    questions=('when', 'noun'),
)


@pytest.fixture(scope='module')
def tool(command_line):
    spec = importlib.util.spec_from_file_location('report', command_line.tools / 'report.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def evaluated(command_line, tmp_path_factory):
    """A world without features, and what perfect models found in it."""
    root = tmp_path_factory.mktemp('report world') / 'toy_moments'
    root.mkdir()
    timelines = plan_timelines(SPEC)
    write_moment_annotations(root, SPEC, timelines)
    val = [line for line in timelines if line.split == 'val']
    (root / 'videos').mkdir()
    with MovieWriter(root / f'videos/{val[0].video_id}.mp4', 64, 48, 10, None) as movie:
        for _ in range(20):
            movie.add(np.zeros((48, 64, 3), np.uint8))
    arguments = {}
    for kind in ('mq', 'nlq'):
        config = Config.fromfile(command_line.tools.parent / f'configs/toy/moments_{kind}.py')
        for part in ('train', 'test'):
            config[f'{part}_dataloader'].dataset.data_root = f'{root}/'
        config.dump(root / f'{kind}.py')
        torch.save(dict(state_dict={}, meta=dict(seed=3)), root / f'{kind}.pth')
        arguments[kind] = [str(root / f'{kind}.{end}') for end in ('py', 'pth', 'json')]
    names = read_label_map(root / 'annotations/moment_classes.txt')
    moments = {
        line.clip_id: [
            dict(label=names[row.label], score=0.5, segment=[row.start - 4, row.stop - 4])
            for row in line.moments
        ]
        for line in val
    }
    (root / 'mq.json').write_text(json.dumps(dict(results=moments)))
    content = json.loads((root / 'annotations/nlq_val.json').read_text())
    answers = [
        dict(
            **dict(clip_uid=clip['clip_uid'], annotation_uid=asked['annotation_uid']),
            query_idx=index,
            predicted_times=[[query['clip_start_sec'], query['clip_end_sec']]],
        )
        for video in content['videos']
        for clip in video['clips']
        for asked in clip['annotations']
        for index, query in enumerate(asked['language_queries'])
    ]
    (root / 'nlq.json').write_text(json.dumps(dict(results=answers)))
    return root, arguments, val


def content_of(path):
    text = path.read_text(encoding='utf-8')
    return json.loads(text.partition('type="application/json">')[2].partition('</script>')[0])


def test_a_page_of_moments_and_questions_with_truth(tool, evaluated, tmp_path, capsys):
    root, arguments, val = evaluated
    metrics = tmp_path / 'metrics.json'
    metrics.write_text('{"clips": 7}')
    tool.main(
        [
            *(str(root / 'videos'), '--out', str(tmp_path / 'page.html')),
            *('--metrics', str(metrics), '--moments', *arguments['mq']),
            *('--queries', *arguments['nlq']),
        ]
    )
    written = json.loads(metrics.read_text())
    assert written['clips'] == 7
    assert written['report']['moments: average mAP %'] == pytest.approx(100)
    assert written['report']['questions: R@1 at IoU 0.5 %'] == pytest.approx(100)
    content = content_of(tmp_path / 'page.html')
    assert content['title'] == val[0].video_id  # the first that lies in the folder
    assert content['metrics'] == written['report']
    truth, found = content['lanes']
    assert [row['start'] for row in truth['items']] == pytest.approx(
        [row.start for row in val[0].moments], abs=0.01
    )
    starts = [row['start'] for row in found['items']]
    assert starts == pytest.approx([row['start'] for row in truth['items']], abs=0.01)
    for asked in content['queries']:
        (answer,), (right,) = asked['answers'], asked['truth']
        assert (answer['start'], answer['stop']) == (right['start'], right['stop'])
    assert content['card']['moments seed'] == '3'
    assert content['card']['questions protocol'] == 'Ego4dQueryMetric'
    assert len(content['card']['questions annotations/nlq_val.json sha256']) == 64
    assert content['card']['moments licence'] == 'none: generated data'
    assert content['notes'][0].startswith('a toy model: its labels')
    assert 'R@1 at IoU 0.5 %' in capsys.readouterr().out


def test_a_video_that_was_not_evaluated_is_refused(tool, evaluated, tmp_path):
    root, arguments, val = evaluated
    video = tmp_path / 'other.mp4'
    video.write_bytes((root / f'videos/{val[0].video_id}.mp4').read_bytes())
    more = ['--out', str(tmp_path / 'x.html'), '--moments', *arguments['mq']]
    with pytest.raises(ValueError, match='other is not among the 2 videos of .*mq.py, such as'):
        tool.main([str(video), *more])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='has none of the 2 evaluated videos, such as'):
        tool.main([str(tmp_path / 'empty'), *more])


def test_a_file_of_something_else_is_refused_before_anything_is_written(tool, evaluated, tmp_path):
    root, arguments, val = evaluated
    page, metrics = tmp_path / 'x.html', tmp_path / 'metrics.json'
    more = [str(root / 'videos'), '--out', str(page)]
    with pytest.raises(ValueError, match="nlq.py has no test data with 'classes'. Give the config"):
        tool.main([*more, '--moments', *arguments['nlq'][:2], arguments['mq'][2]])
    (tmp_path / 'none.json').write_text('{"results": {}}')
    with pytest.raises(ValueError, match='none.json has nothing of the 2 videos of .*mq.py'):
        tool.main([*more, '--moments', *arguments['mq'][:2], str(tmp_path / 'none.json')])
    for text in ('[1]', '{'):
        metrics.write_text(text)
        with pytest.raises(ValueError, match=r'metrics.json: a JSON object is expected, but'):
            tool.main([*more, '--metrics', str(metrics), '--moments', *arguments['mq']])
    assert not page.exists()


def test_a_page_about_nothing_is_refused(tool, capsys):
    for more, words in (([], 'a page wants --recognizer'), (['--clips', 'a.pkl'], 'a page wants')):
        with pytest.raises(SystemExit, match='2'):
            tool.main(['a.mp4', '--out', 'x.html', *more])
        assert words in capsys.readouterr().err
