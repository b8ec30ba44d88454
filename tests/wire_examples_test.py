"""The examples of docs/WIRE.md are golden vectors, byte for byte.

A block that begins with ```hex NAME holds the vector NAME, split into lines with a comment each;
with "+ BYTES" after the name, those bytes follow the vector.
"""

import json
import pathlib
import re
import unittest

TESTS = pathlib.Path(__file__).resolve().parent
BLOCK = re.compile(r"^```hex (\S+)(?: \+ ([0-9a-f]+))?\n(.*?)^```", re.M | re.S)


def bytes_shown(block):
    """The text before the first space of each line."""
    return "".join(line.split(" ")[0] for line in block.splitlines())


class Examples(unittest.TestCase):
    def test_every_example_is_its_golden_vector(self):
        vectors = {one["name"]: one["hex"] for one in
                   json.loads((TESTS / "golden" / "rpcudp.json").read_text())["vectors"]}
        document = (TESTS.parent / "docs" / "WIRE.md").read_text()
        blocks = BLOCK.findall(document)
        self.assertEqual(len(blocks), document.count("```hex "))
        self.assertGreaterEqual(len(blocks), 7)
        for name, behind, block in blocks:
            self.assertEqual(bytes_shown(block), vectors[name] + behind, name)


if __name__ == "__main__":
    unittest.main()
