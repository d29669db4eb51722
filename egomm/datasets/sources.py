"""Path templates: where the media of a video lie, whatever the layout of the disk.

A source is a dict with ``type`` and ``path``. Placeholders of ``path``: ``{participant}`` and
``{video}`` everywhere, ``{clip}`` in data sets with a file a clip, ``{index}`` (with a format, as
in ``{index:010d}``) where there is one file per frame, ``{axis}`` for flow. The official layout of
EPIC-KITCHENS::

    rgb=[dict(type='frames', path='{participant}/rgb_frames/{video}/frame_{index:010d}.jpg'),
         dict(type='video', path='{participant}/videos/{video}.MP4')]
    flow=dict(type='flow',
              path='{participant}/flow_frames/{video}/{axis}/frame_{index:010d}.jpg')
    audio=dict(type='container', path='{participant}/videos/{video}.MP4')

and that of TBN, which numbers its links from 0::

    flow=dict(type='flow', path='{video}/{axis}_{index:010d}.jpg', axes=('x', 'y'), first=0)
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Formatter

from egomm.functional.time_grid import flow_stride

# Per type: the modality it serves and its options with their defaults.
_TYPES = {
    'frames': ('rgb', {'first': 1}),
    'video': ('rgb', {}),
    'flow': ('flow', {'first': 1, 'axes': ('u', 'v'), 'stride': 'epic', 'made': None}),
    'wav': ('audio', {}),
    'container': ('audio', {}),
    'begaze': ('gaze', {}),
    'tracks': ('hands', {}),
}
_PLACEHOLDERS = {
    'frames': {'index'},
    'video': set(),
    'flow': {'index', 'axis'},
    'wav': set(),
    'container': set(),
    'begaze': set(),
    'tracks': set(),
}


class Sources:
    """Finds, per video, which source of each modality exists.

    Args:
        sources: By modality (``rgb``, ``flow``, ``audio``, ``gaze``, ``hands``) one source or a
            list of sources, of which the first whose files exist for a video is taken; None in
            the place of one leaves the modality out. Options beside
            ``type`` and ``path``: ``first`` (frames, flow), the number in the file name of the
            first image, default 1; ``axes`` (flow), the words for horizontal and vertical, default
            ``('u', 'v')``; ``stride`` (flow), how many RGB frames one flow frame stands for, a
            number or ``'epic'`` for the rule of EPIC-KITCHENS; ``made`` (flow), how it was made, as
            ``dict(algorithm='tvl1', bound=8.0)``, which is kept with a trained model.
        data_root: Folder that relative paths start from.
        names: Placeholders that every template may have; the last one names what has files of
            its own.

    Raises:
        ValueError: For an unknown modality, type, option or placeholder.
    """

    def __init__(
        self,
        sources: Mapping[str, dict | Sequence[dict] | None],
        data_root: str = '',
        names: tuple[str, ...] = ('participant', 'video'),
    ) -> None:
        self.root = data_root
        self.names = names
        self.owners = f'{names[-1]}s'
        self.candidates = {
            modality: [_checked(modality, source, names) for source in _as_list(given)]
            for modality, given in sources.items()
            if given is not None
        }

    def resolve(self, places: Iterable[tuple[str, ...]]) -> dict[str, dict[str, dict | None]]:
        """Look for the files of every video (or clip).

        Args:
            places: Values of ``names``, in that order: pairs of participant and video.

        Returns:
            By video (the last value) and modality the source to read, with the values filled into
            its ``path`` and a number as ``stride``; None where there is no file of that modality.
            ``per_clip`` (only where ``names`` has a clip) says that the file is the clip's own.

        Raises:
            ValueError: If none at all has a modality; the text names what was looked for.
        """
        found: dict[str, dict[str, dict | None]] = {}
        tried: dict[str, str] = {}
        for place in places:
            found[place[-1]] = dict.fromkeys(self.candidates)
            for modality, candidates in self.candidates.items():
                for candidate in candidates:
                    source = self._fill(candidate, dict(zip(self.names, place, strict=True)))
                    probe = first_file(source)
                    tried.setdefault(modality, probe)
                    if Path(probe).is_file():
                        found[place[-1]][modality] = source
                        break
        for modality, path in tried.items():
            if not any(sources[modality] for sources in found.values()):
                templates = [candidate['path'] for candidate in self.candidates[modality]]
                raise ValueError(
                    f'None of the {len(found)} {self.owners} has {modality}. The files are '
                    f'expected at {" or ".join(templates)} under data_root={self.root!r}; the '
                    f'first one looked for is {path}. Correct `data_root` or '
                    f'sources[{modality!r}], or leave {modality} out of `sources` and the pipeline.'
                )
        return found

    def _fill(self, source: dict, values: dict[str, str]) -> dict:
        path = source['path'].format(**values, index=_Later('index'), axis=_Later('axis'))
        if not Path(path).is_absolute():
            root = str(self.root).replace('{', '{{').replace('}', '}}')
            path = str(Path(root) / path)
        if source['type'] not in ('frames', 'flow'):
            path = path.format()
        filled = {**source, 'path': path}
        if filled.get('stride') == 'epic':
            filled['stride'] = flow_stride(values['video'])
        return filled


def frame_file(source: dict, number: int, axis: str = '') -> str:
    """Path of one frame.

    Args:
        source: A resolved source of type ``frames`` or ``flow``.
        number: Official number of the frame, from 1.
        axis: One of the source's ``axes``, for flow.
    """
    return source['path'].format(index=number - 1 + source['first'], axis=axis)


def first_file(source: dict) -> str:
    """The file that tells whether a resolved source exists."""
    if source['type'] in ('frames', 'flow'):
        return frame_file(source, 1, source.get('axes', ('',))[0])
    return source['path']


class _Later:
    """Leaves its placeholder in place when a template is formatted."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __format__(self, spec: str) -> str:
        return f'{{{self.name}:{spec}}}' if spec else f'{{{self.name}}}'


def _as_list(given: dict | Sequence[dict]) -> list[dict]:
    return [given] if isinstance(given, Mapping) else list(given)


def _checked(modality: str, source: dict, shared: tuple[str, ...]) -> dict:
    """The source with its defaults; ValueError for whatever is not understood."""
    where = f'sources[{modality!r}]'
    kind = source.get('type')
    kinds = [name for name, (serves, _) in _TYPES.items() if serves == modality]
    if kind not in kinds:
        known = {serves for serves, _ in _TYPES.values()}
        raise ValueError(
            f'{where} wants a type out of {kinds}, got {kind!r}.'
            if modality in known
            else f'`sources` is keyed by modality, one of {sorted(known)}; got {modality!r}.'
        )
    options = _TYPES[kind][1]
    if 'path' not in source or set(source) - {'type', 'path', *options}:
        raise ValueError(
            f'{where} of type {kind!r} wants `path` and may have {sorted(options)}; '
            f'got {sorted(source)}.'
        )
    path = str(source['path'])
    try:
        names = {name for _, name, _, _ in Formatter().parse(path) if name is not None}
    except ValueError as error:
        raise ValueError(f'{where}: the template {path!r} is malformed: {error}.') from error
    needed = _PLACEHOLDERS[kind]
    allowed = set(shared) | needed
    if names - allowed or needed - names:
        raise ValueError(
            f'{where}: the template {path!r} has the placeholders {sorted(names)}; type '
            f'{kind!r} needs {sorted(needed)} and knows {sorted(allowed)}.'
        )
    checked = {**options, **source, 'path': path}
    if 'clip' in shared:
        checked['per_clip'] = 'clip' in names
    if kind == 'flow' and len(checked['axes']) != 2:
        raise ValueError(
            f'{where}: `axes` wants the words for horizontal and vertical, as in '
            f"('u', 'v'); got {checked['axes']!r}."
        )
    stride = checked.get('stride', 1)
    if stride != 'epic' and not (isinstance(stride, int) and stride > 0):
        raise ValueError(f"{where}: `stride` wants 'epic' or a positive number; got {stride!r}.")
    return checked
