"""Packaging of egomm.  Settings of the tools (ruff, mypy, pytest) are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def read_requirements(name):
    """Lines of ``requirements/<name>.txt`` without comments and blank lines."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    lines = [line.split('#')[0].strip() for line in lines]
    return [line for line in lines if line and not line.startswith('-')]


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
    package_data={'egomm.visualization': ['*.html']},
    python_requires='>=3.10',
    install_requires=read_requirements('runtime'),
    extras_require={
        # mmcv is never an install requirement: pip would write mmcv-lite over a
        # user's full mmcv, both being the import package `mmcv`.
        'lite': ['mmcv-lite==2.1.0'],
        'features': read_requirements('features'),
        'text': read_requirements('text'),
        'onnx': read_requirements('onnx'),
        'tensorboard': ['tensorboard>=2.10'],
        'dev': read_requirements('dev'),
    },
    zip_safe=False,
)
