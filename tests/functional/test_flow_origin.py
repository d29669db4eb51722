from egomm.functional.flow_origin import flow_of_training, other_flow

USED = dict(algorithm='dis', bound=8.0, stride=1, fps=30.0)


def config(**source):
    return dict(train_dataloader=dict(dataset=dict(sources=dict(flow=source))))


def test_what_a_source_says_is_kept_and_the_rest_is_unknown():
    assert flow_of_training(config(type='flow', made=dict(algorithm='tvl1', bound=8.0))) == dict(
        algorithm='tvl1', bound=8.0, fps=None, stride='epic'
    )
    assert flow_of_training(config(type='flow', stride=2))['stride'] == 2
    assert (
        flow_of_training(dict(train_dataloader=dict(dataset=dict(sources=dict(flow=None))))) is None
    )
    assert flow_of_training({}) is None


def test_the_same_flow_is_no_warning_and_another_names_both():
    assert other_flow(USED, USED) is None
    assert other_flow(dict(USED, fps=None, stride='epic'), USED) is None
    warning = other_flow(dict(algorithm='tvl1', bound=4.0, stride='epic', fps=None), USED)
    assert warning == (
        'the model was trained on flow of tvl1, bound 4.0, stride epic, fps unknown; this is '
        'dis, bound 8.0, stride 1, fps 30.0'
    )
    assert other_flow(USED, dict(USED, fps=None)) is None
    assert 'an unknown algorithm' in other_flow(dict(bound=8.0), USED)
    assert 'does not say which flow' in other_flow(None, USED)
