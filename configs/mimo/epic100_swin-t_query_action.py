"""MIMO's query-token fusion with a third task, the action as a pair, against the long tail.

Run:     python tools/train.py configs/mimo/epic100_swin-t_query_action.py
Cost:    <GPU hours, once measured>
Expect:  <once measured>; `all_mixed_action_accuracy_at_1` beside the official action score
Source:  the query config, with what entrants of the challenge add: a head over the pairs seen
         in training (as Omnivore's), logit-adjusted losses (Menon et al., 2021) in place of
         label smoothing, and clips drawn by the root of their verb's frequency.
"""

_base_ = './epic100_swin-t_query.py'

train_labels = 'data/epic100/annotations/EPIC_100_train.csv'
tasks = ('verb', 'noun', 'action')


def adjusted(task):
    return dict(
        _delete_=True, type='LogitAdjustedCrossEntropy', counts=train_labels, task=task, tau=1.0
    )


model = dict(
    neck=dict(tasks=tasks),
    heads=dict(
        verb=dict(loss=adjusted('verb')),
        noun=dict(loss=adjusted('noun')),
        action=dict(
            type='ActionHead',
            pairs=train_labels,
            in_channels=768,
            source='action',
            loss=dict(
                type='LogitAdjustedCrossEntropy', counts=train_labels, task='action', tau=1.0
            ),
        ),
    ),
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='ClassBalancedSampler', task='verb', alpha=0.5),
    dataset=dict(pipeline=dict(pack=dict(tasks=tasks))),
)
