"""EGTEA Gaze+ split 1, RGB and sound, eight frames spread over the clip.

Put the official files under `data/egtea`: the split files in `action_annotation/`, clips in
`cropped_clips/<session>/` or session videos in `videos/`, which also give the sound. The data set
has no official flow; with your own, add `flow=dict(type='flow', stride=1, path=...)` to `sources`
and the steps and model parts that read it.
"""

_base_ = './epic100_rgb_flow_audio.py'

data_root = 'data/egtea/'
num_classes = dict(action=106, verb=19, noun=53)
sources = dict(
    _delete_=True,
    rgb=[
        dict(type='video', path='cropped_clips/{video}/{clip}.mp4'),
        dict(type='video', path='videos/{video}.mp4'),
    ],
    audio=dict(type='container', path='videos/{video}.mp4'),
)
pack = dict(inputs=('rgb', 'audio'), tasks=tuple(num_classes))


def split(ann_file):
    return dict(
        type='Egtea',
        data_root=data_root,
        ann_file=f'action_annotation/{ann_file}',
        sources=sources,
        pipeline=dict(flow=None, pack=pack),
    )


train_dataloader = dict(dataset=split('train_split1.txt'))
val_dataloader = dict(dataset=split('test_split1.txt'))
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True, type='ClassAccuracyMetric', prefix='egtea', num_classes=num_classes
)
test_evaluator = val_evaluator
