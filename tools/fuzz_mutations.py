"""Mutations of bytes, of JSON, of cells and of safetensors, for tools/fuzz.py."""

import copy
import json
import random
import struct
from typing import Any

ODD_BYTES = (
    b"\x00", b"\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b'"', b"'",
    b",", b"\x80\x00\x00\x00", b"\x01\x00\x00\x00", b"\t", b"\n", b"\r", b"\r\n", b"=", b"<", b">", b"&",
    b"NaN", b"inf",
    b"-1", b"1e999", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"../", b"9" * 20, b"[", b"{", b"null", b"", b"\\u0000",
    b"\\ud800",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 7, 10**6, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf"), -0.5, 0.0, "",
    "x", "0", "../../../../etc/passwd", "/dev/zero", "\x00", "\ud800", [], {}, [[]], [None], [0], ["x"], {"kind": "x"},
    [[0, 0]] * 3, "a" * 3000,
)  # fmt: skip
ODD_CELLS = (
    b"", b"\xff\xfe", b"NaN", b"inf", b"-inf", b"1e400", b"9" * 400, b"-200", b"91", b"1_0", "١٢".encode(), b'"', b'""',
    b"\x00", b"=1+1", b"2020-02-30", b"0000-00-00", b"9999-12-31", b"2020-01", b"2020/2021", b"2020-01-01/99",
    b"12020-01-01",
    b"2020-W01-1", b"20200101", b"2020-01-01T25:00:00Z", b"-2020-01-01", b"/", b"//", b"2020-01-01/-", b"a" * 5000,
    "é".encode("latin-1"), b"true", b"Larus sp.", "Anas × b".encode(), b"x\r", b"1e5", b"2021-366", b"0001-01-01",
)  # fmt: skip


def mutate_bytes(draw: random.Random, data: bytes, most: int = 6) -> bytes:
    """Bits, bytes, numbers and pieces changed, put in, left out or repeated, most often near the ends."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, most)):
        n = len(changed)
        at = draw.randrange(n) if n else 0
        if n and draw.random() < 0.35:  # structure lies in heads and tails
            near = int(abs(draw.gauss(0, 60))) if draw.random() < 0.5 else n - 1 - int(abs(draw.gauss(0, 120)))
            at = min(max(near, 0), n - 1)
        match draw.randrange(9):
            case 0 if n:
                changed[at] ^= 1 << draw.randrange(8)
            case 1 if n:
                changed[at] = draw.randrange(256)
            case 2:
                changed[at:at] = draw.choice(ODD_BYTES)
            case 3:
                odd = draw.choice(ODD_BYTES)
                changed[at : at + len(odd)] = odd
            case 4 if n > 2:
                del changed[at : at + draw.choice((1, 2, 4, 16, 100, n // 3))]
            case 5 if n > 2:
                del changed[at:]
            case 6 if n > 2:
                changed[at:at] = changed[at : at + draw.choice((1, 4, 16, 200))] * draw.choice((1, 1, 2, 50))
            case 7 if n > 8:
                form = draw.choice(("<I", ">I", "<H", ">H", "<Q"))
                size = struct.calcsize(form)
                value = draw.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**16 - 1, 0x7FFF, n, n + 1, draw.getrandbits(16)))
                changed[at : at + size] = struct.pack(form, value & ((1 << 8 * size) - 1))
            case 8 if n > 8:
                other, size = draw.randrange(n), draw.choice((1, 4, 16, 64))
                changed[at : at + size] = changed[other : other + size]
    return bytes(changed)


def mutate_cells(draw: random.Random, data: bytes, mark: bytes) -> bytes:
    """Cells of a text table replaced, put in or left out."""
    lines = data.split(b"\n")
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(lines))
        cells = lines[at].split(mark)
        i = draw.randrange(len(cells))
        match draw.randrange(6):
            case 4:
                cells.insert(i, draw.choice(ODD_CELLS))
            case 5:
                del cells[i]
            case _:
                cells[i] = draw.choice(ODD_CELLS)
        lines[at] = mark.join(cells)
    return b"\n".join(lines)


def _paths(tree: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    if isinstance(tree, dict):
        for key in tree:
            found += _paths(tree[key], (*at, key))
    elif isinstance(tree, list):
        for i in range(min(len(tree), 12)):
            found += _paths(tree[i], (*at, i))
    return found


def mutate_tree(draw: random.Random, tree: Any, most: int = 3) -> Any:
    """Values of JSON replaced by odd ones, by others of the tree, nested, renamed or left out."""
    tree = json.loads(json.dumps(tree))
    for _ in range(draw.randint(1, most)):
        where = _paths(tree)
        path = draw.choice(where)
        if not path:
            if draw.random() < 0.03:
                return _odd(draw)
            continue
        holder = tree
        for key in path[:-1]:
            holder = holder[key]
        key, old = path[-1], holder[path[-1]]
        match draw.randrange(8):
            case 0 | 1 | 2:
                holder[key] = _odd(draw)
            case 3:
                holder[key] = draw.choice(_like(old))
            case 4:
                del holder[key]
            case 5:
                if isinstance(holder, dict):
                    holder["new"] = _odd(draw)
                else:
                    holder.append(_odd(draw))
            case 6:
                value = tree
                for step in draw.choice(where):
                    value = value[step] if isinstance(value, dict | list) and _has(value, step) else value
                holder[key] = json.loads(json.dumps(value))
            case 7:
                deep = _odd(draw)
                for _ in range(draw.choice((1, 3, 20))):
                    deep = [deep]
                holder[key] = deep
    return tree


def _odd(draw: random.Random) -> Any:
    """A value of its own, as trees are changed in place."""
    return copy.deepcopy(draw.choice(ODD_VALUES))


def _has(value: Any, step: Any) -> bool:
    return step in value if isinstance(value, dict) else isinstance(step, int) and step < len(value)


def _like(old: Any) -> tuple[Any, ...]:
    if isinstance(old, bool | int | float):
        return -old, old * 2, old + 1, old - 1, str(old), float(old), [old], old * 10**6, old / 3
    if isinstance(old, str):
        return f"{old}x", old[::-1], "", old * 200, [old], old.upper(), f"../{old}", f"/{old}"
    if isinstance(old, list):
        return old * 2, old[:-1], old[::-1], old[:1], [*old, None], {"0": old}
    return (None, 0, "x", [])


def json_bytes(draw: random.Random, tree: Any) -> bytes:
    """JSON of a mutated tree; now and then too deep, with a number of too many digits, or with changed bytes."""
    roll = draw.random()
    if roll < 0.01:
        return b"[" * 200_000
    if roll < 0.02:
        return b'{"a":' * 100_000
    text = json.dumps(mutate_tree(draw, tree))
    if roll < 0.04:
        text = text.replace("1", "1" * 5000, 1)
    data = text.encode("utf-8", "surrogatepass")
    return mutate_bytes(draw, data, 3) if roll < 0.2 else data


def mutate_safetensors(draw: random.Random, data: bytes) -> bytes:
    """The head changed, a tensor of another type or form, or bytes."""
    if draw.random() < 0.3:
        return mutate_bytes(draw, data, 4)
    (size,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + size])
    if draw.random() < 0.5:
        head = mutate_tree(draw, head, 2)
    else:
        name = draw.choice([name for name in head if name != "__metadata__"])
        entry = head[name]
        start, stop = entry["data_offsets"]
        numbers = max(1, (stop - start) // 4)
        match draw.randrange(5):
            case 0:
                entry["dtype"] = draw.choice(("I32", "U32", "F16", "F64", "BOOL", "I64", "BF16", "F8_E4M3", "C64"))
            case 1:
                entry["shape"] = draw.choice(([numbers], [1, numbers], [numbers, 1], [1] * 8 + [numbers], []))
            case 2:
                head[f"{name}x"] = head.pop(name)
            case 3:
                del head[name]
            case 4:
                entry["shape"], entry["data_offsets"] = [0], [start, start]
    text = json.dumps(head).encode("utf-8", "surrogatepass")
    body = data[8 + size :]
    said = draw.choice((len(text), len(text), len(text), len(text) + 1, 2**63, 0))
    return struct.pack("<Q", said) + text + (body if draw.random() < 0.9 else body[: len(body) // 2])
