from types import SimpleNamespace
from unittest import mock

from egomm.hooks.data_report import DataReportHook


class Clips:
    def __init__(self):
        self.counts = dict(audio=dict(whole=2, silent=1, absent=0), failed=[])

    def report(self):
        return self.counts

    def write_subset(self, path):
        path.write_text('P01_01_0\n')
        return True


def test_counts_are_logged_when_they_change_and_the_subset_is_kept(tmp_path):
    clips = Clips()
    loader = SimpleNamespace(dataset=clips)
    runner = SimpleNamespace(train_dataloader=loader, work_dir=tmp_path, rank=0)
    hook = DataReportHook()
    hook.before_train(runner)
    assert (tmp_path / 'train_subset.txt').read_text() == 'P01_01_0\n'
    logged = []
    with mock.patch('egomm.hooks.data_report.print_log', lambda text, **_: logged.append(text)):
        hook.after_train_epoch(runner)
        hook.after_train_epoch(runner)
        clips.counts = dict(audio=dict(whole=2, silent=1, absent=0), failed=['P01_01_1: cut off'])
        hook.after_train_epoch(runner)
    assert logged == [
        'train clips by audio: 2 whole, 1 silent',
        'train clips by audio: 2 whole, 1 silent',
        'train clips that could not be read:\n  P01_01_1: cut off',
    ]
