from egomm.functional.run_cards import ABSENT, differences


def card(**changes):
    config = dict(work_dir='a', optimizer=dict(lr=0.1, betas=[0.9, 0.99]), model=dict(type='X'))
    return {**dict(seed=0, data=dict(train=dict(files=dict(a='12'))), config=config), **changes}


def test_the_same_cards_do_not_differ_whatever_their_work_directory():
    assert differences(card(), card(config={**card()['config'], 'work_dir': 'b'})) == []


def test_data_come_before_seed_and_settings():
    config = dict(optimizer=dict(lr=0.1, betas=[0.9, 0.5]), model=dict(type='X', depth=2))
    other = card(seed=1, data=dict(train=dict(files=dict(a='13'))), config=config)
    assert differences(card(), other) == [
        ('data.train.files.a', '12', '13'),
        ('seed', 0, 1),
        ('config.optimizer.betas[1]', 0.99, 0.5),
        ('config.model.depth', ABSENT, 2),
    ]


def test_lists_of_other_lengths_differ_as_a_whole():
    assert differences(dict(x=[1, 2]), dict(x=[1])) == [('x', [1, 2], [1])]
