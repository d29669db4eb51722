"""The toy kitchen in the official layout, as `tools/make_toy_kitchen.py` writes it.

RGB comes from the JPEG frames, which `sources` of the base lists before the videos. A fifth of a
second of sound around each of the eight times, as the clips are short.
"""

_base_ = './epic100_rgb_flow_audio.py'

data_root = 'data/toy_kitchen/'
annotations = data_root + 'annotations/'
sources = dict(flow=dict(made=dict(algorithm='dis ultrafast', bound=4.0)))

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    dataset=dict(
        data_root=data_root,
        verb_classes=12,
        noun_classes=16,
        sources=sources,
        pipeline=dict(
            audio=dict(window=0.2),
            crop=dict(size=64, scale=(0.7, 1.0)),
            spectrogram_size=dict(size=64),
        ),
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    dataset=dict(
        data_root=data_root,
        verb_classes=12,
        noun_classes=16,
        sources=sources,
        pipeline=dict(
            audio=dict(window=0.2),
            resize=dict(size=64),
            crop=dict(size=64),
            spectrogram_size=dict(size=64),
        ),
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    verb_classes=12,
    noun_classes=16,
    tail_verbs=annotations + 'EPIC_100_tail_verbs.csv',
    tail_nouns=annotations + 'EPIC_100_tail_nouns.csv',
    unseen=annotations + 'EPIC_100_unseen_participant_ids_validation.csv',
)
test_evaluator = val_evaluator
