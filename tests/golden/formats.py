#!/usr/bin/env python3
"""Pillow's answers for tests/nn/image/test_formats.c: small WebP, TIFF, GIF and BMP files of every kind, and PNG and
JPEG files of odd kinds, with a checksum (FNV-1a, 64 bits) of the pixels that Image.open(file).convert("RGB") has.

    python3 tests/golden/formats.py [FOLDER]    (PyPI: pillow 13.0.0, numpy; libtiff-tools for tiffcp)

writes formats.safetensors beside it: NAME is a file, its metadata have "WIDTH HEIGHT CHECKSUM". With FOLDER the files
are written there too, as seeds for fuzzing. Files that Pillow does not write are put together here, or by tiffcp.
Pillow 12.0.0 has the same pixels, but for bmp_rle8_jumps, which it misreads.
"""
import io
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np
import PIL
from PIL import Image, ImageOps

from pillow import fnv, save

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, HEIGHT = 19, 13


def waves(width=WIDTH, height=HEIGHT, channels=3):
    """Waves and steps, with every channel different."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [127 + 120 * np.sin(x / 3 + y / 5), 255.0 * ((x // 5 + y // 4) % 2), (x * 9 + y * 5) % 256,
              255 - (x * 13 + y * 7) % 251, (x * 3 + y * 31) % 256]
    return np.stack(planes[:channels], -1).round().astype(np.uint8)


def image(mode):
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    return Image.fromarray(waves(channels=channels).squeeze(), mode)


def palette_image(colors=16):
    return image("RGB").quantize(colors, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def written(picture, format, **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


# ---- WebP

def oriented(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def webp_files():
    yield "lossy", written(image("RGB"), "WEBP", quality=80)
    yield "lossy_alpha", written(image("RGBA"), "WEBP", quality=60, exact=True)
    yield "lossless", written(image("RGB"), "WEBP", lossless=True)
    yield "lossless_alpha", written(image("RGBA"), "WEBP", lossless=True, exact=True)
    yield "turned", written(image("RGB"), "WEBP", lossless=True, exif=oriented(6))
    yield "one_color", written(Image.new("RGB", (900, 700), (200, 30, 90)), "WEBP", lossless=True)
    frames = [image("RGBA"), ImageOps.mirror(image("RGBA"))]
    yield "animation", written(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    # A first frame smaller than its canvas: the chunks put together by hand.
    still = written(Image.fromarray(waves(7, 5)), "WEBP", lossless=True)[12:]
    frame = struct.pack("<HBHBHBHBHBB", 3, 0, 2, 0, 6, 0, 4, 0, 100, 0, 0) + still
    body = (b"VP8X" + struct.pack("<IB3xHBHB", 10, 2, WIDTH - 1, 0, HEIGHT - 1, 0) +
            b"ANIM" + struct.pack("<IIH", 6, 0xff00ff00, 0) +
            b"ANMF" + struct.pack("<I", len(frame)) + frame + b"\0" * (len(frame) % 2))
    yield "small_frame", b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


# ---- TIFF

def tiff(pixels, photometric, bits=8, extra=(), order="<", big=False, **tags):
    """One strip, uncompressed. `pixels` (height, width, samples), or bytes of whole lines."""
    height, width = tags.pop("sides", None) or pixels.shape[:2]
    samples = pixels.shape[2] if isinstance(pixels, np.ndarray) and pixels.ndim == 3 else 1
    data = pixels if isinstance(pixels, bytes) else pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    short, long, word = 3, 4, "Q" if big else "I"
    entries = [(256, long, [width]), (257, long, [height]), (258, short, [bits] * samples), (259, short, [1]),
               (262, short, [photometric]), (273, 16 if big else long, None), (277, short, [samples]),
               (278, long, [height]), (279, long, [len(data)])]
    entries += [(338, short, list(extra))] if extra else []
    entries += [(int(tag[1:]), short, value if isinstance(value, list) else [value]) for tag, value in tags.items()]
    entries.sort()
    head = 16 if big else 8
    room = 8 if big else 4
    at = head + (8 if big else 2) + len(entries) * (12 + 2 * room - 8) + room
    tail = b""
    rows = []
    packed = [struct.pack(f"{order}{len(v)}{'H' if t == short else 'I'}", *v) if v else None for _, t, v in entries]
    strip = at + sum(len(p) + len(p) % 2 for p in packed if p and len(p) > room)
    for (tag, kind, value), text in zip(entries, packed):
        if value is None:
            text, value = struct.pack(order + word, strip), [strip]
        elif len(text) > room:
            where = at + len(tail)
            tail += text + b"\0" * (len(text) % 2)
            text = struct.pack(order + word, where)
        rows.append(struct.pack(f"{order}HH{word}", tag, kind, len(value)) + text.ljust(room, b"\0"))
    mark = {"<": b"II", ">": b"MM"}[order]
    header = mark + (struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8))
    return header + struct.pack(order + ("Q" if big else "H"), len(rows)) + b"".join(rows) + b"\0" * room + tail + data


def tiffcp(file, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "in.tif").write_bytes(file)
        subprocess.run(["tiffcp", *options, str(path / "in.tif"), str(path / "out.tif")], check=True,
                       stderr=subprocess.DEVNULL)
        return (path / "out.tif").read_bytes()


def packed_lines(bits):
    """Numbers of few bits, in lines of whole bytes."""
    numbers = waves()[..., 2] >> (8 - bits)
    return b"".join(np.packbits((line[:, None] >> np.arange(bits)[::-1] & 1).astype(np.uint8).ravel()).tobytes()
                    for line in numbers)


def tiff_files():
    rgb, rgba, cmyk, grey = waves(), waves(channels=4), waves(channels=4), waves()[..., 0]
    deep = (waves(channels=4).astype(np.uint16) * 257) ^ np.arange(WIDTH * 4, dtype=np.uint16).reshape(1, WIDTH, 4)
    yield "rgb", tiff(rgb, 2)
    yield "rgb_big_endian", tiff(rgb, 2, order=">")
    yield "rgb_bigtiff", tiff(rgb, 2, big=True)
    yield "rgb_extra", tiff(rgba, 2, extra=[0])
    yield "rgba", tiff(rgba, 2, extra=[2])
    yield "rgba_multiplied", tiff(rgba, 2, extra=[1])
    yield "rgba_unsaid", tiff(rgba, 2)
    yield "rgb_5_samples", tiff(waves(channels=5), 2, extra=[2, 0])
    yield "grey", tiff(grey, 1)
    yield "grey_white_0", tiff(grey, 0)
    yield "grey_signed", tiff(grey, 1, t339=2)
    yield "grey_alpha", tiff(waves(channels=2), 1, extra=[2])
    for bits in (1, 2, 4):
        for photometric in (0, 1):
            yield f"grey_{bits}_{photometric}", tiff(packed_lines(bits), photometric, bits, sides=(HEIGHT, WIDTH))
    for bits in (1, 2, 4, 8):
        colors = [int(v) for v in np.linspace(65535, 300, 3 << bits).round()]
        lines = packed_lines(bits) if bits < 8 else waves()[..., 2].tobytes()
        yield f"palette_{bits}", tiff(lines, 3, bits, sides=(HEIGHT, WIDTH), t320=colors)
    yield "cmyk", tiff(cmyk, 5)
    yield "cmyk_16", tiff(deep, 5, 16)
    yield "rgb_16", tiff(deep[..., :3], 2, 16)
    yield "rgb_16_big_endian", tiff(deep[..., :3], 2, 16, order=">")
    yield "rgba_16", tiff(deep, 2, 16, extra=[2])
    yield "rgba_16_multiplied", tiff(deep, 2, 16, extra=[1])
    yield "grey_16", tiff(waves()[..., 0].astype(np.uint16) * 2, 1, 16)
    yield "grey_16_big_endian", tiff(waves()[..., 0].astype(np.uint16) * 2, 1, 16, order=">")
    yield "grey_16_signed", tiff(waves()[..., 0].astype(np.int16) * 3 - 200, 1, 16, t339=2)
    yield "grey_32_signed", tiff(waves()[..., 0].astype(np.int32) * 3 - 200, 1, 32, t339=2)
    yield "grey_float", tiff(waves()[..., 0].astype(np.float32) * 1.7 - 99.5, 1, 32, t339=3)
    for turn in range(2, 9):
        yield f"turned_{turn}", tiff(rgb, 2, t274=turn)
    for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"rgb_{name}", written(image("RGB"), "TIFF", compression=name)
    yield "grey_jpeg", written(image("L"), "TIFF", compression="jpeg")
    yield "cmyk_lzw", written(image("CMYK"), "TIFF", compression="tiff_lzw")
    for name in ("group3", "group4"):
        yield f"bits_{name}", written(image("L").convert("1", dither=Image.Dither.NONE), "TIFF", compression=name)
    base = tiff(waves(40, 35), 2)
    yield "tiles", tiffcp(base, "-t", "-w", "16", "-l", "16", "-c", "zip")
    yield "tiles_planes", tiffcp(base, "-t", "-w", "16", "-l", "32", "-p", "separate", "-c", "lzw:2")
    yield "tiles_grey", tiffcp(tiff(waves(40, 35)[..., 0], 1), "-t", "-w", "32", "-l", "16")
    yield "planes", tiffcp(base, "-r", "4", "-p", "separate", "-c", "zip")
    yield "planes_cmyk", tiffcp(tiff(cmyk, 5), "-r", "5", "-p", "separate", "-c", "lzw")
    yield "planes_rgba_multiplied", tiffcp(tiff(rgba, 2, extra=[1]), "-p", "separate", "-c", "zip")
    yield "strips", tiffcp(base, "-r", "3", "-c", "packbits")
    yield "ycbcr_jpeg", tiffcp(base, "-r", "16", "-c", "jpeg:90")
    yield "two_pages", written(image("RGB"), "TIFF", save_all=True, append_images=[image("L")])


# ---- GIF

def gif_files():
    yield "plain", written(palette_image(), "GIF")
    yield "interlaced", written(palette_image(), "GIF", interlace=True)
    yield "grey", written(image("L"), "GIF")
    yield "few_colors", written(palette_image(3), "GIF")
    plain = written(palette_image(), "GIF")             # codes of colors that the palette has not
    yield "missing_colors", plain[:10] + bytes([plain[10] & ~7 | 2]) + plain[11:13 + 24] + plain[13 + 48:]
    yield "transparent", written(palette_image(), "GIF", transparency=2)
    frames = [palette_image(), palette_image().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    yield "animation", written(frames[0], "GIF", save_all=True, append_images=frames[1:])
    # A first picture inside its screen, across its edge, and with a palette of its own, from the code of a small one.
    small = written(Image.fromarray(waves(7, 5)).quantize(8, dither=Image.Dither.NONE), "GIF", interlace=False)
    table = 3 << (small[10] & 7) + 1
    picture = small[small.index(b",", 13 + table):]
    codes, colors = picture[10:], small[13:13 + table]

    def put(x, y, screen, globally=True, control=b""):
        flags = small[10] & 7
        return (b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80 | flags if globally else 0, 1, 0) +
                (colors if globally else b"") + control + b"," +
                struct.pack("<HHHHB", x, y, 7, 5, 0 if globally else 0x80 | flags) + (b"" if globally else colors) +
                codes)
    yield "inside", put(4, 3, (WIDTH, HEIGHT))
    yield "inside_transparent", put(4, 3, (WIDTH, HEIGHT), control=b"!\xf9\4\1\0\0\3\0")
    yield "own_palette", put(4, 3, (WIDTH, HEIGHT), globally=False)
    yield "beyond_screen", put(16, 11, (WIDTH, HEIGHT))


# ---- BMP

def bmp(bits, lines, header=40, compression=0, colors=b"", masks=(), down=False, sides=(HEIGHT, WIDTH), used=0):
    height, width = sides
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if down else height, 1, bits, compression, len(lines),
                           2835, 2835, used, 0)
        if masks:
            info += struct.pack(f"<{len(masks)}I", *masks)
        info = info.ljust(header, b"\0")
    at = 14 + len(info) + len(colors)
    return b"BM" + struct.pack("<IHHI", at + len(lines), 0, 0, at) + info + colors + lines


def lines_of(rows):
    return b"".join(row + b"\0" * (-len(row) % 4) for row in rows)


def bmp_files():
    rgb = waves()
    colors = {n: bytes(v for i in range(n) for v in (i * 255 // (n - 1), 255 - i * 200 // (n - 1), i * 7 % 256, 0))
              for n in (2, 16, 256, 10)}
    bottom_up = rgb[::-1]
    for bits, n in ((1, 2), (4, 16), (8, 256)):
        step = (WIDTH * bits + 7) // 8
        lines = packed_lines(bits) if bits < 8 else waves()[..., 2].tobytes()
        rows = lines_of([lines[i:i + step] for i in range(0, len(lines), step)])
        yield f"palette_{bits}", bmp(bits, rows, colors=colors[n])
        if bits > 1:
            yield f"palette_{bits}_down", bmp(bits, rows, colors=colors[n], down=True)
    yield "palette_os2", bmp(8, rows, header=12, colors=b"".join(colors[256][4 * i:4 * i + 3] for i in range(256)))
    few = lines_of([bytes(v % 10 for v in line) for line in waves()[..., 2].tolist()])
    yield "palette_used", bmp(8, few, colors=colors[10], used=10)
    many = lines_of([line.tobytes() for line in waves()[..., 2]])
    yield "missing_colors", bmp(8, many, colors=colors[10], used=10)
    yield "bits_24", bmp(24, lines_of([row[:, ::-1].tobytes() for row in bottom_up]))
    yield "bits_24_down", bmp(24, lines_of([row[:, ::-1].tobytes() for row in rgb]), down=True)
    yield "bits_24_os2", bmp(24, lines_of([row[:, ::-1].tobytes() for row in bottom_up]), header=12)
    yield "bits_24_v5", bmp(24, lines_of([row[:, ::-1].tobytes() for row in bottom_up]), header=124)
    four = np.concatenate([bottom_up[..., ::-1], waves(channels=4)[..., 3:]], -1)
    yield "bits_32", bmp(32, four.tobytes())
    wide = np.arange(HEIGHT * WIDTH, dtype=np.uint32).reshape(HEIGHT, WIDTH) * 1234567 & 0xffff
    words = lines_of([row.astype("<u2").tobytes() for row in wide])
    yield "bits_16", bmp(16, words)
    yield "bits_16_565", bmp(16, words, compression=3, masks=(0xf800, 0x7e0, 0x1f), header=52)
    after = bmp(16, words, compression=3)               # masks behind the header
    yield "bits_16_555_after", after[:54] + struct.pack("<III", 0x7c00, 0x3e0, 0x1f) + words
    for name, masks in (("bgrx", (0xff0000, 0xff00, 0xff, 0)), ("rgba", (0xff, 0xff00, 0xff0000, 0xff000000)),
                        ("xbgr", (0xff000000, 0xff0000, 0xff00, 0)), ("none", (0, 0, 0, 0))):
        yield f"bits_32_{name}", bmp(32, four.tobytes(), compression=3, masks=masks, header=108)
    numbers = waves()[::-1, :, 2]
    runs = b""
    for line in numbers.tolist():
        runs += bytes([5, line[0], 0, 5, *line[5:10], 0, 9, line[10], 0, 0])
    yield "rle8", bmp(8, runs + b"\0\1", compression=1, colors=colors[256])
    runs = b""
    for line in (numbers >> 4).tolist():
        runs += bytes([6, line[0] << 4 | line[1], 0, 4, line[2] << 4 | line[3], line[4] << 4 | line[5],
                       9, line[6] << 4 | line[7], 0, 0])
    yield "rle4", bmp(4, runs + b"\0\1", compression=2, colors=colors[16])
    jumps = b"\4\7\0\2\3\1\5\x09\0\0" + b"\0\2\0\1" + bytes([WIDTH, 3, 0, 0]) * (HEIGHT - 3) + b"\0\1"
    yield "rle8_jumps", bmp(8, jumps, compression=1, colors=colors[256])


# ---- PNG and JPEG

def without_marker(file):
    at = file.index(b"\xff\xee")
    return file[:at] + file[at + 2 + int.from_bytes(file[at + 2:at + 4], "big"):]


def other_files():
    deep = Image.fromarray(waves()[..., 0].astype(np.uint16) * 2)
    yield "png_grey_16", written(deep, "PNG")
    yield "png_turned", written(image("RGB"), "PNG", exif=oriented(8))
    palette = palette_image()
    yield "png_palette_transparent", written(palette, "PNG", transparency=bytes(range(16)))
    cmyk = written(image("CMYK"), "JPEG", quality=90, subsampling=0)
    yield "jpeg_cmyk", cmyk
    yield "jpeg_cmyk_unmarked", without_marker(cmyk)
    at = cmyk.index(b"Adobe")
    yield "jpeg_ycck", cmyk[:at + 11] + b"\2" + cmyk[at + 12:]
    yield "jpeg_ycck_progressive", (lambda f: f[:f.index(b"Adobe") + 11] + b"\2" + f[f.index(b"Adobe") + 12:])(
        written(image("CMYK"), "JPEG", quality=70, progressive=True))


def main():
    tensors, answers = {}, {}
    for prefix, files in (("webp_", webp_files()), ("tiff_", tiff_files()), ("gif_", gif_files()),
                          ("bmp_", bmp_files()), ("", other_files())):
        for name, file in files:
            picture = ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB")
            tensors[prefix + name] = np.frombuffer(file, np.uint8)
            answers[prefix + name] = f"{picture.width} {picture.height} {fnv(picture.tobytes()):016x}"
            if len(sys.argv) > 1:
                folder = pathlib.Path(sys.argv[1])
                (folder / (prefix + name)).write_bytes(file)
                (folder / (prefix + name + ".pillow")).write_bytes(picture.tobytes())
    save(HERE / "formats.safetensors", tensors, "formats.py", answers)
    print(f"{len(tensors)} files, {sum(t.size for t in tensors.values())} bytes, Pillow {PIL.__version__}")


main()
