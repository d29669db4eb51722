"""Broken files and broken configs by the thousand (`tools/run_reliability.sh`)."""

import copy
import random
import warnings
from collections import Counter
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from mmengine.config import Config

from egomm.apis.dry_run import dry_run
from egomm.apis.errors import start_message, user_message
from egomm.apis.launch import build_runner
from egomm.datasets.annotations import read_records
from egomm.datasets.feature_store import FeatureStore
from egomm.datasets.media import MediaError, read_audio, read_image, read_video_frames
from egomm.datasets.moments import read_moments
from egomm.testing.features import CLASSES
from tests.reliability.fleet import try_all

pytestmark = pytest.mark.long
SECONDS = 10
PARTS = ('dataloader', 'cfg', 'evaluator')  # of an evaluation


def mutations(content, places):
    """One of the ways in which files break."""
    size = len(content)
    kind = places.randrange(6)
    if kind == 0:
        return content[: places.randrange(size)]
    damaged = bytearray(content)
    if kind == 1:
        for _ in range(max(1, size // 100)):
            damaged[places.randrange(size)] = places.randrange(256)
    elif kind == 2:
        for _ in range(places.randrange(1, 9)):
            damaged[places.randrange(min(size, 400))] = places.randrange(256)  # the header
    elif kind == 3:
        start = places.randrange(size)
        damaged[start : start + size // 10] = bytes(len(damaged[start : start + size // 10]))
    elif kind == 4:
        start, length = places.randrange(size), size // 10 + 1
        damaged[start:start] = content[places.randrange(size) :][:length]
    else:
        damaged = bytearray(places.randbytes(places.choice((0, 1, 100, size))))
    return bytes(damaged)


def read_mp4(path):
    read_video_frames(str(path), [0.0, 0.5, 1.1], 1.2)
    read_audio(str(path), 0, 24_000, 24_000)


def readers(world):
    """By kind of file: a good one, its ending, what reads it."""
    return dict(
        mp4=(world['video'], read_mp4),
        jpg=(world['image'], lambda path: read_image(str(path))),
        wav=(
            next(world['kitchen'].rglob('*.wav')),
            lambda path: read_audio(str(path), 100, 24_000, 24_000),
        ),
        npy=(
            next((world['features'] / 'features/ego').glob('*.npy')),
            lambda path: FeatureStore(path.parent, 16).read(path.stem),
        ),
        json=(
            world['features'] / 'annotations/moments_train.json',
            lambda path: read_moments(path, CLASSES),
        ),
        csv=(
            world['kitchen'] / 'annotations/EPIC_100_train.csv',
            lambda path: read_records(path, dict(verb=97, noun=300)),
        ),
    )


@pytest.fixture
def world(toy_world, feature_world, tmp_path):
    """A good file of each kind."""
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'a.jpg'), image)
    with av.open(str(tmp_path / 'a.mp4'), 'w') as container:
        stream = container.add_stream('libx264', rate=25, options={'g': '12'})
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv420p'
        for _ in range(40):
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return dict(
        kitchen=toy_world,
        features=feature_world,
        image=tmp_path / 'a.jpg',
        video=tmp_path / 'a.mp4',
    )


def test_twelve_hundred_broken_files_are_read_or_refused_by_our_errors(
    world, tmp_path, record_property
):
    folder = tmp_path / 'broken'
    folder.mkdir()
    places = random.Random(0)
    tables = {}
    for kind, (good, read) in readers(world).items():
        content = good.read_bytes()
        read(good)
        paths = []
        for number in range(200):
            path = folder / f'{number}.{kind}'
            path.write_bytes(mutations(content, places))
            paths.append(str(path))

        def attempt(path, read=read):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    read(Path(path))
            except (MediaError, ValueError) as error:
                names_it = Path(path).stem in str(error) and str(folder) in str(error)
                return 'refused' if names_it else f'nameless {error!r}'
            except Exception as error:
                return f'{path}: {type(error).__name__}: {error}'[:300]
            return 'read'

        tables[kind] = Counter(try_all(paths, attempt, SECONDS))
    wrong = {
        kind: [what for what in table if what not in ('read', 'refused')]
        for kind, table in tables.items()
    }
    assert not any(wrong.values()), wrong
    text = ', '.join(
        f'{kind} {table["refused"]} refused / {table["read"]} read'
        for kind, table in tables.items()
    )
    record_property('measured', f'1200 broken files, 0 crashes, 0 hangs, all counted: {text}')


def places_of(node, path=()):
    """Every key and every value of a nested config."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places_of(value, (*path, key))


WRONG = (None, -1, 0, 1e9, 'no_such_thing', '', [], {}, [1, 'a'], dict(type='NoSuchType'), True)


def mutated(config, places):
    """A copy with one change, and the change as text."""
    config = copy.deepcopy(config)
    path = places.choice(list(places_of(config)))
    node = config
    for key in path[:-1]:
        node = node[key]
    kind = places.choice(('delete', 'rename', 'value', 'value', 'add'))
    name = '.'.join(map(str, path))
    if kind == 'delete':
        del node[path[-1]]
        return config, f'{name} deleted'
    if kind == 'rename' and isinstance(node, dict):
        node[f'{path[-1]}x'] = node.pop(path[-1])
        return config, f'{name} renamed'
    if kind == 'add' and isinstance(node, dict):
        node['surplus'] = 1
        return config, f'surplus beside {name}'
    value = places.choice(WRONG)
    node[path[-1]] = value
    return config, f'{name} = {value!r}'


def is_named(change, config, message):
    """Whether an error names the key that was changed, or the component it belongs to."""
    path = change.removeprefix('surplus beside ').split()[0].split('.')
    words = {path[-1], *path[-2:-1], 'surplus' if 'surplus' in change else path[-1]}
    node = config
    for key in path[:-1]:
        if isinstance(node, dict):
            words.add(str(node.get('type')))
            node = node.get(key, {})
    words.add(str(node.get('type')) if isinstance(node, dict) else '')
    return any(word in message for word in words if len(word) > 2)


def said_by_a_dry_run(config):
    """What ``tools/train.py --dry-run`` says of a config that fails."""
    try:
        dry_run(config)
    except Exception as error:
        return error, user_message(error)
    return None, None


def said_by_a_run(config):
    """What ``tools/train.py`` says; the traceback of a run that was under way has a note."""
    return said_by(lambda: build_runner(config).train())


def said_by_a_test(config):
    """What ``tools/test.py`` says, likewise."""
    return said_by(lambda: build_runner(config).test())


def said_by(run):
    try:
        run()
    except Exception as error:
        said = user_message(error) or start_message(error)
        return error, said or ''.join(getattr(error, '__notes__', ())) or None
    return None, None


@pytest.mark.parametrize(
    'try_it, count',
    [(said_by_a_dry_run, 1000), (said_by_a_run, 1000), (said_by_a_test, 500)],
    ids=['dry-run', 'run', 'test'],
)
def test_broken_configs_run_or_are_refused_by_our_errors(
    runs, tmp_path, record_property, try_it, count
):
    good = runs.config('mimo', evaluate=True).to_dict()
    if try_it is said_by_a_test:
        good |= {f'test_{part}': copy.deepcopy(good[f'val_{part}']) for part in PARTS}
        good['test_cfg']['type'] = 'TestLoop'
    places = random.Random(0)
    changed = [mutated(good, places) for _ in range(count)]

    def attempt(index):
        config, change = changed[index]
        # As the command line sets them.
        config.update(
            work_dir=str(tmp_path / 'run'), launcher='none', experiment_name=f'fuzz_{index}'
        )
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            error, message = try_it(Config(config, format_python_code=False))
        if error is None:
            return 'runs'
        if message is None:
            return f'{change}: {type(error).__name__}: {error}'[:300]
        return 'refused by name' if is_named(change, good, message) else 'refused'

    outcomes = []
    for start in range(0, len(changed), 100):  # MMEngine keeps the log file of every run open
        outcomes += try_all(range(start, start + 100), attempt, 60)
    table = Counter(outcomes)
    bare = [what for what in table if what not in ('runs', 'refused by name', 'refused')]
    refused = table['refused by name'] + table['refused']
    record_property(
        'measured',
        f'{count} configs ({try_it.__name__}): {table["runs"]} run, {refused} refused by our '
        'errors, of which '
        f'{table["refused by name"]} name the key or its component; '
        f'{count - refused - table["runs"]} bare tracebacks',
    )
    assert not bare, '\n'.join(bare)
