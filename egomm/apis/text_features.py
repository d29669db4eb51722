"""Vectors of the words of queries, from the text encoder of a CLIP model in a local folder.

Source: the peers of Action Sensitivity Learning for queries (GroundNLQ, ActionFormer for NLQ) take
the last hidden states of CLIP ViT-L/14, of the begin and end tokens too.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from egomm.datasets.feature_store import MANIFEST
from egomm.datasets.localization import LanguageQueries
from egomm.datasets.queries import read_queries
from egomm.functional.whole_files import sha256_of_file, written_beside

BATCH = 64


def extract_text_features(
    ann_files: Sequence[str | Path], model: str | Path, out: str | Path, device: str = 'cpu'
) -> tuple[int, int]:
    """Write ``<annotation_id>_<query_index>.npy`` ``(L, dim)`` float32 for every query.

    `LanguageQueries` reads the folder by ``words=dict(path=...)``. Sentences longer than the model
    takes are cut. What is there already is left as it is, so an interrupted run goes on.

    Args:
        ann_files: Official annotations or ``.jsonl``, see `egomm.datasets.queries`.
        model: Folder of a CLIP model as ``transformers`` saves it: config, tokenizer and
            ``model.safetensors``. Nothing is downloaded.
        out: Folder to write; ``manifest.json`` in it says which model the vectors are from.
        device: Where the model runs.

    Returns:
        How many queries there are, and for how many of them vectors were written.

    Raises:
        ValueError: If ``transformers`` is not installed, the folder has no whole text model, or
            ``out`` has vectors of another one.
    """
    queries = {}
    for path in ann_files:
        for record in read_queries(path).records:
            queries[LanguageQueries.name_of(record)] = record['query']
    encode = TextEncoder(model, device)
    about = encode.about
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    manifest = out / MANIFEST
    if manifest.is_file():
        known = json.loads(manifest.read_text(encoding='utf-8'))
        if known != about:
            raise ValueError(
                f'{out} has vectors of {known}, not of {about}. Give another folder, or remove it.'
            )
    with written_beside(manifest) as file:
        file.write(json.dumps(about, indent=2).encode())
    rest = [name for name in queries if not (out / f'{name}.npy').is_file()]
    rest.sort(key=lambda name: len(queries[name]))  # a batch is padded to its longest
    for first in range(0, len(rest), BATCH):
        names = rest[first : first + BATCH]
        for name, rows in zip(names, encode([queries[name] for name in names])):
            with written_beside(out / f'{name}.npy', synced=False) as file:
                np.save(file, rows)
    return len(queries), len(rest)


class TextEncoder:
    """The text half of a CLIP model in a local folder.

    Args:
        folder: See `extract_text_features`.
        device: Where the model runs.

    Attributes:
        about: ``dim``, name of the ``model`` and ``sha256`` of its weights.

    Raises:
        ValueError: If ``transformers`` is not installed or the folder has no whole text model.
    """

    def __init__(self, folder: str | Path, device: str = 'cpu') -> None:
        self.tokenizer, encoder, self.about = _load(Path(folder))
        self.encoder, self.device = encoder.to(device).eval(), device

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str]) -> list[np.ndarray]:
        """Last hidden states ``(L, dim)`` float32 of each sentence, of its own tokens only."""
        tokens = self.tokenizer(
            list(sentences), padding=True, truncation=True, return_tensors='pt'
        ).to(self.device)
        states = self.encoder(**tokens).last_hidden_state.float().cpu().numpy()
        masks = tokens['attention_mask'].cpu().numpy()
        return [rows[mask > 0] for rows, mask in zip(states, masks)]


def _load(folder: Path) -> tuple[Any, Any, dict]:
    """Tokenizer, text model, and what the manifest says of them."""
    weights = folder / 'model.safetensors'
    if not weights.is_file():
        raise ValueError(
            f'{weights}: no such file. Give the folder of a CLIP model with safetensors, such as a '
            'copy of openai/clip-vit-large-patch14.'
        )
    try:
        from transformers import AutoTokenizer, CLIPTextModel
        from transformers.utils import logging
    except ImportError as error:
        raise ValueError(
            'Vectors of words come from transformers, which is not installed: '
            'pip install "egomm[text]".'
        ) from error
    logging.set_verbosity_error()  # that the vision half of the file is left is no news
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        encoder, report = CLIPTextModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{folder} cannot be read as a CLIP model: {error}') from error
    if report['missing_keys']:
        raise ValueError(
            f'{weights} lacks {len(report["missing_keys"])} weights of the text model, such as '
            f'{sorted(report["missing_keys"])[0]}. Give the folder of a CLIP model.'
        )
    about = dict(dim=encoder.config.hidden_size, model=folder.name, sha256=sha256_of_file(weights))
    return tokenizer, encoder, about
