import pytest

from egomm.functional.licences import licence_of, strictest


def config(kind, root='data/x/', **more):
    return dict(train_dataloader=dict(dataset=dict(type=kind, data_root=root)), **more)


@pytest.mark.parametrize(
    'kind, root, licence',
    [
        ('EpicKitchens', 'data/epic100/', 'CC BY-NC 4.0 (EPIC-KITCHENS)'),
        ('egomm.MomentQueries', 'data/ego4d/', 'Ego4D licence agreement'),
        ('Egtea', 'data/egtea', 'EGTEA Gaze+ terms of use'),
        ('EpicKitchens', 'data/toy_kitchen/', 'none: generated data'),
        ('MyClips', 'data/mine', 'data: not known here'),
    ],
)
def test_data_sets_bring_their_licence(kind, root, licence):
    assert strictest(config(kind, root)) == licence


def test_the_strictest_comes_first_and_weights_are_named():
    mixed = config(
        'EpicKitchens',
        val_dataloader=dict(dataset=dict(type='LanguageQueries')),
        test_dataloader=dict(dataset=dict(type='Egtea', data_root='toy_kitchen')),
        model=dict(backbones=[dict(pretrained='a/swin_t.pth'), dict(pretrained=None)]),
        load_from='b.pth',
    )
    assert strictest(mixed) == (
        'Ego4D licence agreement; CC BY-NC 4.0 (EPIC-KITCHENS); weights b.pth: not known here; '
        'weights swin_t.pth: not known here'
    )


def test_what_weights_say_of_themselves_comes_before_their_config():
    assert licence_of({'licence': 'Ego4D licence agreement'}, {}) == 'Ego4D licence agreement'
    assert licence_of({}, {}) == strictest({})
