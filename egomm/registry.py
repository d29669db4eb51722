"""The registries of egomm: scope ``egomm``, children of MMEngine's roots.

Importing this file loads neither torch nor mmaction2. The first `get` or `build` imports the
part of egomm that belongs to the registry (its ``locations``) and the plugins installed under
the entry-point group ``egomm.plugins``; the first ``mmaction.X`` imports mmaction2's part.

A config names components like this:

* ``QueryFusion``: egomm's, or else MMEngine's (which also hold those of mmcv and torch);
* ``mmaction.SwinTransformer3D``: mmaction2's. Names without a scope *inside* its config are
  then mmaction2's as well.
"""

import difflib
import inspect
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import entry_points
from traceback import walk_tb
from typing import Any

from mmengine import registry as roots
from mmengine.registry import DefaultScope, Registry

from egomm.compat import install_drn_stand_in, install_vindlu_stand_in, quiet_dependencies
from egomm.resources import let_bases_be_packaged

PLUGIN_GROUP = 'egomm.plugins'

# Whose lines say nothing about a plugin that does not import.
_MACHINERY = ('egomm', 'mmengine', 'importlib')

_loaded_plugins: set[str] = set()


def load_plugins() -> None:
    """Import every installed plugin that has not been imported yet.

    A plugin is an entry point of the group ``egomm.plugins`` whose value is a module; importing
    the module registers its components.

    Raises:
        ImportError: If a plugin fails to import; the text names the distribution.
    """
    for plugin in entry_points(group=PLUGIN_GROUP):
        if plugin.value in _loaded_plugins:
            continue
        _loaded_plugins.add(plugin.value)  # before loading: the plugin may use a registry itself
        try:
            plugin.load()
        except Exception as error:
            _loaded_plugins.discard(plugin.value)
            distribution = plugin.dist.name if plugin.dist else 'unknown'
            raise ImportError(
                f'The egomm plugin {plugin.name!r} ({plugin.value}) of the installed distribution '
                f'{distribution!r} does not import: {type(error).__name__}: {error}'
                f'{_place(error)}. Repair it, or remove it with `pip uninstall {distribution}`.'
            ) from error


def _place(error: Exception) -> str:
    """The last line of a file that led to an error of importing, in brackets; may be empty."""
    lines = [
        f' ({frame.f_code.co_filename}, line {line})'
        for frame, line in walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith('<frozen')
        and frame.f_globals.get('__name__', '').partition('.')[0] not in _MACHINERY
    ]
    return lines[-1] if lines else ''


class ComponentRegistry(Registry):
    """A registry that finds mmaction2's components and explains a misspelt ``type``."""

    def import_from_location(self) -> None:
        """Import the components of egomm for this registry, then the plugins."""
        if self._imported:
            return
        with quiet_dependencies():
            super().import_from_location()
        load_plugins()

    def get(self, key: str) -> Any:
        """Look a component up.

        Args:
            key: ``'Name'``, ``'scope.Name'`` or a full path such as ``'torch.nn.ReLU'``.

        Returns:
            The registered class or function.

        Raises:
            ValueError: If nothing has that name; the text holds the closest names.
        """
        found = self._find(key)
        if found is None:
            raise ValueError(self._unknown(key))
        return found

    def build(self, cfg: Any, *args: Any, **kwargs: Any) -> Any:
        """Build a component from its config, whatever scope is the default at the moment.

        Args:
            cfg: A dict with the key ``type`` and the arguments of the constructor.
            *args: Passed on to the build function of MMEngine.
            **kwargs: Passed on to the build function of MMEngine.

        Returns:
            The instance.

        Raises:
            ValueError: If nothing is registered under ``type``.
        """
        scope = self.scope
        kind = cfg.get('type') if isinstance(cfg, dict) else None
        if isinstance(kind, str):
            self.get(kind)
            prefix = self.split_scope_key(kind)[0]
            if prefix in self.root.children:
                scope = prefix
        quiet = quiet_dependencies() if scope == 'mmaction' else nullcontext()
        with quiet, DefaultScope.overwrite_default_scope(scope):
            return super().build(cfg, *args, **kwargs)

    def _register_module(
        self, module: Any, module_name: str | list[str] | None = None, force: bool = False
    ) -> None:
        try:
            super()._register_module(module, module_name, force)
        except KeyError as error:
            raise KeyError(
                f'{error.args[0]}, and {module.__module__} has one of that name. Give the class '
                'that is yours another name'
            ) from None

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def _find(self, key: str) -> Any:
        if self.split_scope_key(key)[0] == 'mmaction':
            with quiet_dependencies():
                found = super().get(key)
        else:
            found = super().get(key)
        # MMEngine also tries `key` as a path for import, and a module is no component.
        return None if inspect.ismodule(found) else found

    def _unknown(self, key: str) -> str:
        """The text of the error for a name that nothing answers to."""
        names = sorted(set(self._known_names()))
        bare = {name.lower().rpartition('.')[2]: name for name in reversed(names)}
        matches = difflib.get_close_matches(key.lower().rpartition('.')[2], bare, n=4, cutoff=0.6)
        close = ', '.join(repr(bare[match]) for match in matches) or 'none'
        elsewhere = [
            child.name
            for root in vars(roots).values()
            if isinstance(root, Registry) and root is not self.root
            for child in root.children.values()
            if child.scope == self.scope and key in child.module_dict
        ]
        other = f' A {elsewhere[0]} is called so, which is another registry.' if elsewhere else ''
        plugins = ', '.join(sorted(repr(p.name) for p in entry_points(group=PLUGIN_GROUP)))
        return (
            f'No {self.name} is called {key!r}.{other} Close names: {close}. Correct `type` in the '
            f'config; for a class of your own, decorate it with '
            f'`@{self._variable()}.register_module()` and name its file in the '
            f"config: custom_imports = dict(imports=['my_package.my_file'], "
            'allow_failed_imports=False), or in a plugin (entry points of the group '
            f'{PLUGIN_GROUP!r}; installed: {plugins or "none"}).'
        )

    def _known_names(self) -> Iterator[str]:
        """Every name this registry answers to, those of other scopes with their prefix."""
        yield from self.module_dict
        yield from self.root.module_dict
        try:
            with quiet_dependencies():
                import mmaction.registry  # noqa: F401  # adds its children to the roots

                mmaction = self.root.children.get('mmaction')
                if mmaction is not None:
                    mmaction.import_from_location()
        except ImportError:
            # Only the suggestions get poorer; the error about the name must still be seen.
            pass
        for scope, child in self.root.children.items():
            if child is not self:
                yield from (f'{scope}.{name}' for name in child.module_dict)

    def _variable(self) -> str:
        """Where a user finds the registry: here, or its root where it has no name here."""
        for module, wanted in ((globals(), self), (vars(roots), self.root)):
            for name, value in module.items():
                if value is wanted:
                    return f'{"egomm" if wanted is self else "mmengine"}.registry.{name}'
        return f'registry of {self.name}'


install_drn_stand_in()
install_vindlu_stand_in()
let_bases_be_packaged()

MODELS = ComponentRegistry('model', parent=roots.MODELS, scope='egomm', locations=['egomm.models'])
DATASETS = ComponentRegistry(
    'dataset', parent=roots.DATASETS, scope='egomm', locations=['egomm.datasets.registered']
)
TRANSFORMS = ComponentRegistry(
    'transform', parent=roots.TRANSFORMS, scope='egomm', locations=['egomm.datasets.transforms']
)
METRICS = ComponentRegistry(
    'metric', parent=roots.METRICS, scope='egomm', locations=['egomm.metrics']
)
HOOKS = ComponentRegistry('hook', parent=roots.HOOKS, scope='egomm', locations=['egomm.hooks'])
DATA_SAMPLERS = ComponentRegistry(
    'data sampler',
    parent=roots.DATA_SAMPLERS,
    scope='egomm',
    locations=['egomm.datasets.registered'],
)
OPTIM_WRAPPER_CONSTRUCTORS = ComponentRegistry(
    'optimizer wrapper constructor',
    parent=roots.OPTIM_WRAPPER_CONSTRUCTORS,
    scope='egomm',
    locations=['egomm.models'],
)
LOOPS = ComponentRegistry('loop', parent=roots.LOOPS, scope='egomm', locations=['egomm.hooks'])
PARAM_SCHEDULERS = ComponentRegistry(
    'parameter scheduler',
    parent=roots.PARAM_SCHEDULERS,
    scope='egomm',
    locations=['egomm.hooks'],
)

# MMEngine logs a warning at every build for a root that has no child of the default scope.
# egomm adds nothing to these, so they have no name here.
for _root in (
    roots.RUNNERS,
    roots.RUNNER_CONSTRUCTORS,
    roots.STRATEGIES,
    roots.MODEL_WRAPPERS,
    roots.WEIGHT_INITIALIZERS,
    roots.OPTIMIZERS,
    roots.OPTIM_WRAPPERS,
    roots.EVALUATOR,
    roots.TASK_UTILS,
    roots.VISUALIZERS,
    roots.VISBACKENDS,
    roots.LOG_PROCESSORS,
    roots.INFERENCERS,
    roots.FUNCTIONS,
):
    ComponentRegistry(_root.name, parent=_root, scope='egomm')
