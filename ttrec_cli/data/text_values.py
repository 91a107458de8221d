"""Texts as values of a column: what stands for them while they are numbered, and what they were."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.raw_log import Texts

MISSING_KEY = 2**63 + 1
"""The 64-bit key of "no value"; as an integer −(2^63 − 1), which no sensible column holds."""


def encode_texts(column: Any) -> tuple[NDArray[np.uint64], Texts]:
    """Keys (n,) of a PyArrow array of texts, `MISSING_KEY` where null, and the different texts in it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from ttrec_cli.data.text_hash import hash_texts

    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    texts = pc.cast(encoded.dictionary, pa.large_binary())
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    buffer = texts.buffers()[2]
    data = np.frombuffer(buffer, dtype=np.uint8) if buffer is not None else np.zeros(0, dtype=np.uint8)
    keys, checks = np.empty(len(texts), dtype=np.uint64), np.empty(len(texts), dtype=np.uint64)
    hash_texts(offsets, data, keys, checks)
    keys[keys == MISSING_KEY] = MISSING_KEY + 1
    places = pc.fill_null(encoded.indices, len(texts)).to_numpy(zero_copy_only=False)
    return np.append(keys, np.uint64(MISSING_KEY))[places], Texts(
        keys, checks, pc.cast(encoded.dictionary, pa.string())
    )


def write_texts(path: Path, parts: Sequence[Texts]) -> None:
    """Park what texts a chunk's keys stand for; a text may be there more than once."""
    import pyarrow as pa

    table = pa.table(
        {
            "key": np.concatenate([part.keys for part in parts]),
            "check": np.concatenate([part.checks for part in parts]),
            "text": pa.chunked_array([part.texts for part in parts], type=pa.string()),
        }
    )
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def read_texts(path: Path) -> Texts:
    """What `write_texts` parked."""
    import pyarrow as pa

    with pa.OSFile(str(path), "rb") as file:
        table = pa.ipc.open_file(file).read_all()
    return Texts(table["key"].to_numpy(), table["check"].to_numpy(), table["text"].combine_chunks())
