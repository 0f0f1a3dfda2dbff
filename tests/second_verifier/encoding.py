"""Little-endian integers and prefixed byte strings: specification.md, section 1.

Nothing here may cut a value to fit: what does not fit is refused.
"""


def u8(value):
    """One byte."""
    return value.to_bytes(1, "little")


def u16(value):
    """Two bytes, little endian."""
    return value.to_bytes(2, "little")


def u32(value):
    """Four bytes, little endian."""
    return value.to_bytes(4, "little")


def u64(value):
    """Eight bytes, little endian."""
    return value.to_bytes(8, "little")


def lv(data):
    """The length in two bytes, then the bytes."""
    return u16(len(data)) + data


def fixed(data, length):
    """The bytes themselves, which must have this length."""
    if len(data) != length:
        raise ValueError(f"{length} bytes are expected, not {len(data)}")
    return data
