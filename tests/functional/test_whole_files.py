import hashlib
import os

import pytest

from egomm.functional.whole_files import PARTS, sha256_of_file, written_beside


@pytest.mark.parametrize('synced', [True, False])
def test_a_file_appears_when_all_of_it_is_written(tmp_path, synced):
    path = tmp_path / 'new' / 'a.json'
    with written_beside(path, synced) as file:
        file.write(b'{}')
        assert not path.exists()
        assert len([*path.parent.glob(PARTS)]) == 1
    assert path.read_bytes() == b'{}'
    assert os.listdir(path.parent) == ['a.json']


@pytest.mark.parametrize('synced', [True, False])
def test_one_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path, synced):
    path = tmp_path / 'a.json'
    path.write_text('old')

    def write():
        with written_beside(path, synced) as file:
            file.write(b'half')
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['a.json']


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with written_beside(pipe) as file:
        file.write(b'{}')
    assert os.read(reader, 9) == b'{}'
    os.close(reader)
    assert pipe.is_fifo()


def test_the_hash_is_that_of_the_whole(tmp_path):
    content = os.urandom((1 << 20) + 3)
    (tmp_path / 'a').write_bytes(content)
    assert sha256_of_file(tmp_path / 'a') == hashlib.sha256(content).hexdigest()
