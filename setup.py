"""Packaging of egomm.  Settings of the tools (ruff, mypy, pytest) are in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


def read_requirements(name):
    """Lines of ``requirements/<name>.txt`` without comments and blank lines."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    lines = [line.split('#')[0].strip() for line in lines]
    return [line for line in lines if line and not line.startswith('-')]


# What an installed egomm has besides its modules, in the folder where OpenMMLab's `mim` looks.
BESIDES = ('configs', 'tools', 'projects', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Put configs and tools into the wheel, as ``egomm/.mim``; an editable install has its own."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, 'egomm', '.mim')
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in BESIDES:
            if (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns('__pycache__', 'test_*.py')
                shutil.copytree(ROOT / name, target / name, ignore=ignore)
            else:
                shutil.copy(ROOT / name, target)


setup(
    name='egomm',
    version='0.1.0',
    description='Egocentric video understanding with many inputs and many outputs, on MMEngine',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Science/Research',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    keywords='egocentric video, action recognition, multimodal, multi-task',
    packages=find_packages(include=['egomm', 'egomm.*']),
    package_data={'egomm': ['py.typed'], 'egomm.visualization': ['*.html']},
    cmdclass={'build_py': BuildWithConfigs},
    entry_points={'console_scripts': ['egomm = egomm.__main__:main']},
    python_requires='>=3.11',
    install_requires=read_requirements('runtime'),
    extras_require={
        # mmcv is never an install requirement: pip would write mmcv-lite over a
        # user's full mmcv, both being the import package `mmcv`.
        'lite': ['mmcv-lite==2.1.0'],
        'features': read_requirements('features'),
        'text': read_requirements('text'),
        'docs': read_requirements('docs'),
        'onnx': read_requirements('onnx'),
        'tensorboard': ['tensorboard>=2.10'],
        'dev': read_requirements('dev'),
    },
    zip_safe=False,
)
