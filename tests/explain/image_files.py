"""Small radiograph-like pictures and real files of every format, made on the spot. Used by several test files."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate


def greys(height: int = 96, width: int = 120, bits: int = 8, seed: int = 0) -> np.ndarray:
    """A ramp with noise that spans the whole range of `bits`, uint8 or uint16, different in every corner."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 0.6, height)[:, None] + np.linspace(0, 0.3, width) + rng.uniform(0, 0.1, (height, width))
    ramp = (ramp - ramp.min()) / (ramp.max() - ramp.min())
    return np.round(ramp * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def encoded(pixels: np.ndarray, format: str = "PNG", **options: object) -> bytes:
    """Bytes of an 8-bit (any channels) or 16-bit grey array as PNG or JPEG. PNG's usual compression takes long here."""
    file = BytesIO()
    fast = {"compress_level": 1} if format == "PNG" else {}
    Image.fromarray(pixels).save(file, format, **fast | options)
    return file.getvalue()


def png16(samples: np.ndarray, filters: list[int] | None = None, interlaced: bool = False) -> bytes:
    """A 16-bit PNG of (H, W, 2..4) uint16 samples, its rows filtered in turn by `filters` (PNG filter types)."""
    height, width, channels = samples.shape
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    passes = [samples[y::down, x::right] for x, y, right, down in starts] if interlaced else [samples]
    raw = b"".join(_filtered(part, filters or [0]) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, int(interlaced))
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _filtered(samples: np.ndarray, filters: list[int]) -> bytes:
    height, _, channels = samples.shape
    rows = samples.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    step, raw = channels * 2, bytearray()
    for y in range(height):
        kind = filters[y % len(filters)]
        up = rows[y - 1] if y else np.zeros_like(rows[0])
        left, corner = np.zeros_like(up), np.zeros_like(up)
        left[step:], corner[step:] = rows[y, :-step], up[:-step]
        estimate = left + up - corner
        near = np.stack([abs(estimate - left), abs(estimate - up), abs(estimate - corner)]).argmin(0)
        paeth = np.choose(near, [left, up, corner])
        raw += (
            bytes([kind]) + ((rows[y] - [0, left, up, (left + up) // 2, paeth][kind]) % 256).astype(np.uint8).tobytes()
        )
    return bytes(raw)


ABSENT = object()  # for `dicom`: the attribute is left out


def dicom(
    stored: np.ndarray,
    bits: int,
    syntax: str = uid.ExplicitVRLittleEndian,
    sop_class: str = uid.ComputedRadiographyImageStorage,
    jpeg: bytes | None = None,
    **tags: object,
) -> bytes:
    """Bytes of a DICOM file. `tags` sets or replaces attributes, ABSENT removes and None empties them; `jpeg` is put in
    as it is, as the only frame."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = uid.UID(sop_class)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = uid.UID("1.2.3.4")
    ds.Modality = "CR"
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.SamplesPerPixel = 1
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated = stored.dtype.itemsize * 8
    ds.BitsStored, ds.HighBit = bits, bits - 1
    ds.PixelRepresentation = int(stored.dtype.kind == "i")
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OB" if stored.itemsize == 1 else "OW"
    for name, value in tags.items():
        if value is not ABSENT:
            setattr(ds, name, value)
        elif name in ds:
            delattr(ds, name)
    ds.private_block(0x0099, str(tags.get("PatientName", "TEST")), create=True).add_new(
        1, "LO", str(tags.get("PatientName", "TEST"))
    )
    if jpeg is not None:
        ds.PixelData = encapsulate([jpeg])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        ds.file_meta.TransferSyntaxUID = uid.UID(syntax)
    elif uid.UID(syntax).is_compressed and syntax != uid.DeflatedExplicitVRLittleEndian:
        ds.compress(syntax, generate_instance_uid=False)
    else:
        ds.file_meta.TransferSyntaxUID = uid.UID(syntax)
    file = BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()
