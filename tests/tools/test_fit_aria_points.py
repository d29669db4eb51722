"""Hands and gaze on real frames, learnt by heart."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'fit_aria_points.py'


@pytest.mark.long
def test_frames_are_learnt_and_a_finer_map_reaches_further(realdata):
    spec = importlib.util.spec_from_file_location('fit_aria_points', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    copies = tool.read_copies(realdata / 'aria' / 'derived', parts=3)
    coarse, fine = (tool.fit(copies, channels, 250) for channels in (tool.COARSE, tool.FINE))
    for result in (coarse, fine):
        assert result.errors[result.whole & result.reachable].max() < 2
        assert result.errors[~result.whole & result.reachable].max() < 3
    out = ~coarse.reachable
    assert out.any()
    assert coarse.unreachable_logged == pytest.approx(100 * out.mean(), rel=1e-4)
    assert fine.unreachable_logged < coarse.unreachable_logged
    assert fine.errors[out].mean() < coarse.errors[out].mean() / 2
