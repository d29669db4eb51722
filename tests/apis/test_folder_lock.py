import errno
import json
import os
import socket
import subprocess
import sys

import pytest

from egomm.apis.folder_lock import NAME, STALE_SECONDS, folder_lock


def test_second_run_is_refused_and_told_who_is_there(tmp_path):
    words = rf'{tmp_path} is in use by process {os.getpid()} on {socket.gethostname()}. Wait'
    with folder_lock(tmp_path):
        with pytest.raises(ValueError, match=words), folder_lock(tmp_path):
            pass
        with pytest.raises(ValueError, match='is in use'), folder_lock(tmp_path):
            pass
    with folder_lock(tmp_path):  # free again
        pass


def test_a_disk_without_locks_is_no_reason_not_to_run(tmp_path, monkeypatch):
    def flock(file, operation):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr('egomm.apis.folder_lock.fcntl.flock', flock)
    test_second_run_is_refused_and_told_who_is_there(tmp_path)


def test_an_error_inside_frees_the_folder(tmp_path):
    with pytest.raises(KeyError), folder_lock(tmp_path):
        raise KeyError
    with folder_lock(tmp_path):
        pass


def test_lock_of_a_killed_process_is_taken_over(tmp_path, capfd):
    code = (
        'import os, sys; from egomm.apis.folder_lock import folder_lock\n'
        'with folder_lock(sys.argv[1]): os.kill(os.getpid(), 9)'
    )
    done = subprocess.run([sys.executable, '-c', code, tmp_path], check=False, timeout=60)
    assert done.returncode == -9
    owner = json.loads((tmp_path / NAME).read_text())
    with folder_lock(tmp_path):
        pass
    assert f'was left by process {owner["pid"]} on {owner["host"]}, which' in capfd.readouterr().err


def write(tmp_path, age=0.0, **owner):
    path = tmp_path / NAME
    path.write_text(json.dumps(owner))
    changed = path.stat().st_mtime - age
    os.utime(path, (changed, changed))


def test_number_of_a_process_that_was_given_out_again_is_no_owner(tmp_path):
    write(tmp_path, host=socket.gethostname(), pid=os.getpid(), started='1', job=None)
    with folder_lock(tmp_path):
        pass


def test_another_machine_is_believed_until_it_is_silent(tmp_path):
    write(tmp_path, host='elsewhere', pid=1, started='1', job='7')
    with pytest.raises(ValueError, match='process 1 on elsewhere'), folder_lock(tmp_path):
        pass
    write(tmp_path, age=STALE_SECONDS + 5, host='elsewhere', pid=1, started='1', job='7')
    with folder_lock(tmp_path):
        pass


def test_a_requeued_job_has_its_own_folder_back_at_once(tmp_path, monkeypatch):
    write(tmp_path, host='elsewhere', pid=1, started='1', job='7')
    monkeypatch.setenv('SLURM_JOB_ID', '7')
    with folder_lock(tmp_path):
        pass


def test_a_torn_lock_is_free(tmp_path):
    (tmp_path / NAME).write_text('{"host": "else')
    with folder_lock(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())['pid'] == os.getpid()
