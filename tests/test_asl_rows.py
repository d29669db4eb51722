"""The rows of ASL's tables: sources, widths of their projections, and the numbers they cite."""

from pathlib import Path

import pytest
from mmengine.config import Config

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {'sf': 'slowfast', 'ov': 'omnivore'}
# arXiv:2306.09172, 4.1; in the order of the released code, where they add up to 1024.
WIDTHS = dict(
    mq=dict(egovlp=256, slowfast=128, omnivore=128, internvideo=512),
    nlq=dict(egovlp=256, slowfast=128, omnivore=128, internvideo=512, clip=256),
)
CITED = {
    'mq_base_egovlp': '20.79 / 39.26',
    'mq_asl_egovlp': '22.83 / 40.67',
    'mq_base_sf-ov-egovlp': '22.02 / 40.12',
    'mq_asl_sf-ov-egovlp': '24.15 / 41.49',
    'mq_asl_internvideo-egovlp': '27.85 / 46.98',
    'nlq_base_sf-ov-clip': '13.80 / 9.51',
    'nlq_asl_sf-ov-clip': '14.79 / 9.98',
    'nlq_asl_sf-ov-egovlp-clip': '16.93 / 11.36',
    'nlq_asl_internvideo-egovlp': '22.62 / 15.64',
}
BASELINES = (
    *('mq_actionformer_egovlp', 'mq_actionformer_sf-ov-egovlp'),
    'nlq_actionformer_sf-ov-egovlp-clip',
)


def row(name):
    return Config.fromfile(ROOT / f'configs/asl/{name}.py')


@pytest.mark.parametrize('name', [*CITED, *BASELINES])
def test_a_row_has_the_sources_of_its_name_at_their_widths(name):
    kind, _, sources = name.split('_')
    wanted = {SOURCES.get(part, part) for part in sources.split('-')}
    config = row(name)
    widths = {source: WIDTHS[kind][source] for source in wanted}
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        assert set(loader.dataset.sources) == wanted
    assert config.model.neck.in_channels == widths
    for source, width in widths.items():
        backbone = config.model.backbones[source]
        assert backbone.out_channels == width
        assert backbone.in_channels == config.train_dataloader.dataset.sources[source].dim


def test_the_released_code_has_all_sources_and_1024_channels():
    widths = row('mq_asl_official-repo').model.neck.in_channels
    assert widths == WIDTHS['mq']
    assert sum(widths.values()) == 1024


@pytest.mark.parametrize('name', CITED)
def test_the_cited_numbers_are_those_of_the_paper(name):
    head = (ROOT / f'configs/asl/{name}.py').read_text().split('"""')[1]
    assert f'(the paper reports {CITED[name]})' in head
    table = 1 if name.startswith('mq') else 3
    assert f'arXiv:2306.09172, Table {table}' in head


@pytest.mark.parametrize('name', CITED)
def test_base_and_asl_differ_in_the_sensitivity(name):
    kind, method, _ = name.split('_')
    (head,) = row(name).model.heads.values()
    assert (head.loss.sensitivity is None) == (method == 'base')
