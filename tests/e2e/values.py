"""One value of each kind that the Python library can set, with xord's name for its type."""

VALUES = [
    ("int", 0), ("int", 1), ("int", -1), ("int", 127), ("int", -33), ("int", 2**31),
    ("int", 2**63 - 1), ("int", 2**64 - 1), ("int", -2**63),
    ("float", 0.0), ("float", -2.25), ("float", 3.141592653589793), ("float", 1e308),
    ("float", 5e-324),
    ("bool", True), ("bool", False),
    ("str", ""), ("str", "plain"), ("str", "naïve – 雪 🐧"), ("str", "x" * 4096),
    ("str", "\x00\n\"quoted\"\\"),
    ("bytes", b""), ("bytes", bytes(range(256))), ("bytes", b"\xff" * 4096),
]


def same(left, right):
    """Equal in type and value: in Python 1 == 1.0 == True."""
    return type(left) is type(right) and left == right


def spelled(kind, value):
    """`value` as `xord set --type KIND` reads it."""
    if kind == "bytes":
        return "hex:" + value.hex()
    if kind == "bool":
        return "true" if value else "false"
    return repr(value) if kind == "float" else str(value)
